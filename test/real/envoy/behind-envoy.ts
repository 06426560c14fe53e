import { silentLogger, silentMetrics, systemClock } from '../../../sidecar/core/index.ts';
import {
  type ConsultGatewayOptions,
  createConsultGateway,
  createExtprocGateway,
  type ExtprocGatewayOptions,
} from '../../../sidecar/gateway/index.ts';
import type { Router } from '../../../sidecar/routing/index.ts';
import { createFakeRouter, endpointAt, type FakeRouter } from '../../support/fake-router.ts';
import { type ScriptedEngine, startScriptedEngine } from '../../support/scripted-engine.ts';
import { type StartedGateway, started } from '../../support/started-gateway.ts';
import { type EnvoyOptions, type EnvoyServer, startEnvoy } from './envoy-server.ts';

/** Two engines, a sidecar's gateway in this process, and a real Envoy before them. */
export interface BehindEnvoy extends AsyncDisposable {
  readonly envoy: EnvoyServer;
  /** The engine that routing picks, and the other. */
  readonly picked: ScriptedEngine;
  readonly other: ScriptedEngine;
  readonly router: FakeRouter;
  readonly edge: StartedGateway;
}

/** What a test sets. */
export interface BehindEnvoyOptions extends Pick<EnvoyOptions, 'manifest' | 'edits'> {
  readonly answer: Parameters<typeof startScriptedEngine>[0];
  readonly decide?: Parameters<typeof createFakeRouter>[1];
  /** Replaces the fake router in the gateway. */
  readonly route?: (fake: FakeRouter) => Router['route'];
  readonly gateway?: Partial<ExtprocGatewayOptions>;
  readonly consult?: Partial<ConsultGatewayOptions>;
}

/** Starts everything on free ports. */
export const startBehindEnvoy = async (executable: string, options: BehindEnvoyOptions): Promise<BehindEnvoy> => {
  await using stack = new AsyncDisposableStack();
  const other = stack.use(await startScriptedEngine(options.answer));
  const picked = stack.use(await startScriptedEngine(options.answer));
  const fake = createFakeRouter([endpointAt(picked.address), endpointAt(other.address)], options.decide);
  const shared = {
    listen: '127.0.0.1:0',
    router: { route: options.route?.(fake) ?? fake.route },
    clock: systemClock,
    logger: silentLogger,
    metrics: silentMetrics,
  };
  const gateway =
    options.manifest === 'ext-authz-override-host'
      ? createConsultGateway({ ...shared, ...options.consult })
      : createExtprocGateway({ ...shared, isReady: () => true, ...options.gateway });
  const edge = stack.use(await started(gateway));
  const envoy = stack.use(
    await startEnvoy(executable, {
      manifest: options.manifest,
      ...(options.edits === undefined ? {} : { edits: options.edits }),
      engines: [other.address, picked.address],
      sidecar: edge.address,
    }),
  );
  const running = stack.move();
  return { envoy, picked, other, router: fake, edge, [Symbol.asyncDispose]: () => running.disposeAsync() };
};
