import type { Clock, Logger, Metrics } from '../../core/index.ts';
import type { Router } from '../../routing/index.ts';
import { BodyPool } from '../body-pool.ts';
import type { Gateway } from '../gateway.ts';
import { defaultBodyLimitBytes } from '../request-body.ts';
import { createExchangeMetrics } from '../request-metrics.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { GrpcMethods } from './grpc/grpc-call.ts';
import { createGrpcServer, type GrpcServer } from './grpc/grpc-server.ts';
import { createHealthService } from './health/health-service.ts';
import { createProcessorMethod } from './processor-method.ts';
import { loadTls, type TlsOptions, watchMounted } from './tls/tls-source.ts';

/** How the external processor listens and what it works with. */
export interface ExtprocGatewayOptions {
  /** `host:port` of the external processor, with health; port 0 takes a free one. */
  readonly listen: string;
  /** `host:port` of a second listener with health alone, always plaintext. Default none. */
  readonly healthListen?: string;
  readonly router: Router;
  /** Whether the sidecar as a whole is ready, as health tells it. */
  readonly isReady: () => boolean;
  /** How `listen` is encrypted. Default plaintext. */
  readonly tls?: TlsOptions;
  /** Longest time to a decision, milliseconds; past it the best that is known decides. Default 200. */
  readonly decisionTimeoutMs?: number;
  /** Whether fallbacks follow the pick in a comma list, for data planes that retry down it. Default false. */
  readonly picksList?: boolean;
  /**
   * Whether the stream is ended once the request is through, so that responses cost nothing here and tell nothing.
   * Default false; agentgateway up to 1.4 fails such requests.
   */
  readonly endsAfterRequest?: boolean;
  /** Bytes of a body that are waited for; a longer one is decided by its beginning. Default 32 MiB. */
  readonly bodyLimitBytes?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The external processor's gateway. */
export interface ExtprocGateway extends Gateway {
  start(signal: AbortSignal): Promise<{ readonly address: string; readonly healthAddress: string | null }>;
}

/** Longest message taken; Envoy alone sends up to its buffer limit in one, others whole bodies. */
const maxMessageBytes = 67_108_864;
const maxHealthMessageBytes = 65_536;
const processPath = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';
const defaultReloadMs = 10_000;

/**
 * Envoy's external processor, as the Endpoint Picker Protocol has it (gateway-api-inference-extension, proposal 004):
 * answers each request's headers with the endpoint picked, sends bodies on byte for byte, and reads the response for the
 * ticket where the data plane shows it.
 */
export const createExtprocGateway = (options: ExtprocGatewayOptions): ExtprocGateway => {
  const { clock, metrics, router, tls = { kind: 'plaintext' } } = options;
  const logger = options.logger.child({ gateway: 'extproc' });
  const open = new Set<Exchange>();
  const health = createHealthService({ isReady: options.isReady, clock });
  const process = createProcessorMethod({
    settings: {
      router,
      clock,
      logger,
      decisionTimeoutMs: options.decisionTimeoutMs ?? 200,
      onDeadline: (waitedFor) => metrics.count('late_decisions_total', { gateway: 'extproc', cause: waitedFor }),
      bodyLimitBytes: options.bodyLimitBytes ?? defaultBodyLimitBytes,
      bodies: new BodyPool(),
      picksList: options.picksList ?? false,
      endsAfterRequest: options.endsAfterRequest ?? false,
    },
    observe: createExchangeMetrics({ gateway: 'extproc', clock, metrics }),
    open,
  });
  const methods: GrpcMethods = new Map([...health.methods, [processPath, process]]);
  let processor: GrpcServer | null = null;
  let healthServer: GrpcServer | null = null;
  let stopWatching = (): void => {};

  const releaseAll = (): void => {
    for (const exchange of open) exchange.release();
  };

  const startProcessor = async (): Promise<string> => {
    const material = await loadTls(tls, clock);
    const server = createGrpcServer({
      name: 'extproc',
      listen: options.listen,
      methods,
      tls: material === null || tls.kind === 'plaintext' ? null : { material, minVersion: tls.minVersion ?? 'TLSv1.2' },
      maxMessageBytes,
      clock,
      logger,
    });
    processor = server;
    const address = await server.start();
    if (tls.kind === 'mounted' && material !== null) {
      const { folder, reloadMs = defaultReloadMs } = tls;
      stopWatching = watchMounted({ folder, reloadMs, clock, logger }, material, server.setCertificate);
    }
    return address;
  };

  const startHealth = async (listen: string): Promise<string> => {
    healthServer = createGrpcServer({
      name: 'extproc-health',
      listen,
      methods: health.methods,
      tls: null,
      maxMessageBytes: maxHealthMessageBytes,
      clock,
      logger,
    });
    return healthServer.start();
  };

  const stop = async (deadlineMs: number): Promise<void> => {
    health.drain();
    stopWatching();
    await processor?.stop(deadlineMs, releaseAll);
    // Probes on the other port see why until the end.
    await healthServer?.stop(0);
  };

  return {
    start: async (signal) => {
      signal.throwIfAborted();
      try {
        const address = await startProcessor();
        const healthAddress = options.healthListen === undefined ? null : await startHealth(options.healthListen);
        signal.throwIfAborted();
        signal.addEventListener('abort', () => void stop(0), { once: true });
        return { address, healthAddress };
      } catch (failure) {
        await stop(0);
        throw failure;
      }
    },
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  };
};
