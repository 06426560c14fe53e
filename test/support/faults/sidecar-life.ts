import { type App, buildApp } from '../../../sidecar/app/index.ts';
import { endpointId, silentLogger } from '../../../sidecar/core/index.ts';
import type { StreamStatus, StreamTiming } from '../../../sidecar/events/index.ts';
import { indexDifferences } from '../index-truth.ts';
import { appConfig, type RunningEngine } from '../running-app.ts';

/** Tokens a block of the engines here. */
export const blockSize = 16;

/** One sidecar process's life in front of engines, seen by the engines' positions. */
export interface SidecarLife extends AsyncDisposable {
  /** Base URL of its proxy. */
  readonly proxy: string;
  readonly admin: string;
  readonly app: App;
  status(engine: number): StreamStatus | null;
  /** Resolves when the engine's batch of that number is dealt with, or following ends. */
  applied(engine: number, sequence: number): Promise<void>;
  differences(engine: number): readonly string[];
}

/** Starts a sidecar; it listens, but need not be ready. `onStreams` is told after each event and change of a stream. */
export const startSidecar = async (
  engines: readonly RunningEngine[],
  options: {
    readonly timing: StreamTiming;
    readonly onStreams: () => void;
    readonly config?: Readonly<Record<string, unknown>>;
  },
): Promise<SidecarLife> => {
  const app = buildApp(appConfig(engines, options.config), {
    logger: silentLogger,
    streamTiming: options.timing,
    // Once the change is over: what changed is told in its midst.
    onStreams: () => queueMicrotask(options.onStreams),
  });
  const listening = await app.start();
  await app.synced();
  const [pool] = app.pools();
  if (pool === undefined) throw new Error('the sidecar has no pool');
  const ids = engines.map((_, engine) => endpointId(`tiny/e${engine}`));
  const idOf = (engine: number) => ids[engine] ?? endpointId('tiny/none');
  return {
    proxy: `http://${listening['proxy']}`,
    admin: `http://${listening['admin']}`,
    app,
    status: (engine) => pool.streams.status(idOf(engine)),
    applied: (engine, sequence) => pool.streams.applied(idOf(engine), sequence).catch(() => {}),
    differences: (engine) => {
      const holder = pool.routed.holderOf(idOf(engine));
      const running = engines[engine];
      if (holder === undefined || running === undefined) return ['not followed'];
      return indexDifferences({ index: pool.index, holder, engine: running.engine, blockSize });
    },
    [Symbol.asyncDispose]: () => app.stop(),
  };
};
