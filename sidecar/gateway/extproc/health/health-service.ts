import { type Clock, errorTable } from '../../../core/index.ts';
import type { GrpcCall, GrpcCallHandler, GrpcMethod, GrpcMethods } from '../grpc/grpc-call.ts';
import { decodeHealthRequest, encodeHealthList, encodeHealthResponse, type ServingStatus } from './health-codec.ts';

/** The standard health service, with what it follows. */
export interface HealthService {
  readonly methods: GrpcMethods;
  /** From now on everything but `liveness` is not serving; watchers are told at once. */
  drain(): void;
}

// Names asked for by llm-d's and the Gateway API Inference Extension's charts and probes.
const readinessNames = ['', 'readiness', 'envoy.service.ext_proc.v3.ExternalProcessor', 'inference-extension'] as const;
const livenessName = 'liveness';

// Readiness is asked, not announced; while someone watches, it is asked this often.
const watchIntervalMs = 1_000;

/** Creates grpc.health.v1.Health: Check, List and Watch. */
export const createHealthService = (options: {
  readonly isReady: () => boolean;
  readonly clock: Clock;
}): HealthService => {
  const { isReady, clock } = options;
  const watchers = new Set<() => void>();
  let isDraining = false;
  let cancelLook: (() => void) | null = null;

  const statusOf = (service: string): ServingStatus => {
    if (service === livenessName) return 'serving';
    if (!readinessNames.some((name) => name === service)) return 'service-unknown';
    return !isDraining && isReady() ? 'serving' : 'not-serving';
  };

  const tellWatchers = (): void => {
    for (const tell of watchers) tell();
  };

  const keepLooking = (): void => {
    cancelLook ??= clock.schedule(watchIntervalMs, () => {
      cancelLook = null;
      tellWatchers();
      if (watchers.size > 0) keepLooking();
    });
  };

  const answering =
    (answer: (message: Buffer, call: GrpcCall) => void): GrpcMethod =>
    (call) => ({
      onMessage: (message) => answer(message, call),
      onHalfClose: () => {},
      onClose: () => {},
    });

  const check = answering((message, call) => {
    const status = statusOf(decodeHealthRequest(message));
    if (status === 'service-unknown') {
      return call.end({ code: errorTable['not-found'].grpcStatus, message: 'unknown service' });
    }
    call.send(encodeHealthResponse(status));
    call.end();
  });

  const list = answering((_message, call) => {
    const names = [...readinessNames, livenessName];
    call.send(encodeHealthList(Object.fromEntries(names.map((name) => [name, statusOf(name)]))));
    call.end();
  });

  const watch: GrpcMethod = (call): GrpcCallHandler => {
    let tell = (): void => {};
    return {
      onMessage: (message) => {
        const service = decodeHealthRequest(message);
        let told: ServingStatus | null = null;
        watchers.delete(tell);
        tell = () => {
          const status = statusOf(service);
          if (status !== told) call.send(encodeHealthResponse(status));
          told = status;
        };
        watchers.add(tell);
        tell();
        keepLooking();
      },
      onHalfClose: () => {},
      onClose: () => {
        watchers.delete(tell);
        if (watchers.size > 0) return;
        cancelLook?.();
        cancelLook = null;
      },
    };
  };

  return {
    methods: new Map([
      ['/grpc.health.v1.Health/Check', check],
      ['/grpc.health.v1.Health/List', list],
      ['/grpc.health.v1.Health/Watch', watch],
    ]),
    drain: () => {
      isDraining = true;
      tellWatchers();
    },
  };
};
