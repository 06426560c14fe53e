import { type App, type AppOverrides, buildApp } from '../../sidecar/app/index.ts';
import { type Config, parseConfig } from '../../sidecar/config/index.ts';
import { silentLogger } from '../../sidecar/core/index.ts';
import {
  createEngine,
  type Engine,
  type EngineAddresses,
  type EngineOptions,
  type EngineTokenizer,
  loadTinyQwen,
  tinyQwenFolder,
} from '../../sidecar/simulator/index.ts';

let tokenizer: Promise<EngineTokenizer> | null = null;

/** The embedded model's tokenizer, loaded once a test file. */
export const embeddedTokenizer = (): Promise<EngineTokenizer> => {
  tokenizer ??= loadTinyQwen();
  return tokenizer;
};

/** A started engine and where it is. */
export interface RunningEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly at: EngineAddresses;
}

/** Starts an embedded engine that computes without waiting. */
export const runEngine = async (options: Partial<EngineOptions> = {}): Promise<RunningEngine> => {
  const engine = createEngine({ tokenizer: await embeddedTokenizer(), timeScale: 0, model: 'tiny', ...options });
  const at = await engine.start();
  return { engine, at, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
};

/** A started sidecar in this process. */
export interface RunningApp extends AsyncDisposable {
  readonly app: App;
  readonly proxy: string;
  readonly consult: string;
  readonly admin: string;
  /** Waits until every batch that the engine published so far is applied. */
  settled(engine: RunningEngine): Promise<void>;
  /** Resolves when `condition` holds, looked at after each event applied and each change of a stream. */
  until(condition: () => boolean): Promise<void>;
}

/** Configuration of one pool `tiny` in front of engines, with proxy and consult on free ports. */
export const appConfig = (engines: readonly RunningEngine[], changes: Readonly<Record<string, unknown>> = {}): Config =>
  parseConfig(
    {},
    JSON.stringify({
      pools: [
        {
          name: 'tiny',
          tokenizer: tinyQwenFolder,
          discovery: {
            static: engines.map(({ at }, index) => ({
              name: `e${index}`,
              address: at.address,
              events: at.eventsAddress,
              ...(at.replayAddress === null ? {} : { replay: at.replayAddress }),
            })),
          },
        },
      ],
      gateways: { proxy: { listen: '127.0.0.1:0' }, consult: { listen: '127.0.0.1:0' } },
      admin: { listen: '127.0.0.1:0' },
      drainMs: 2000,
      ...changes,
    }),
  ).config;

/** Starts the whole sidecar and waits until it is ready. */
export const runApp = async (config: Config, overrides: AppOverrides = {}): Promise<RunningApp> => {
  let watchers: readonly (() => void)[] = [];
  const app = buildApp(config, {
    logger: silentLogger,
    ...overrides,
    onStreams: () => {
      // Once the change is over: what changed is told in its midst.
      if (watchers.length > 0) queueMicrotask(() => watchers.forEach((look) => void look()));
    },
  });
  const listening = await app.start();
  await app.ready();
  return {
    app,
    proxy: `http://${listening['proxy']}`,
    consult: `http://${listening['consult']}`,
    admin: `http://${listening['admin']}`,
    settled: async ({ engine, at }) => {
      for (const { pool, streams } of app.pools()) {
        for (const { endpoint } of pool.snapshot().endpoints) {
          if (endpoint.address !== at.address) continue;
          const sequence = engine.lastSequence(endpoint.rank);
          if (sequence !== null) await streams.applied(endpoint.id, sequence);
        }
      }
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          watchers = watchers.filter((watcher) => watcher !== look);
          resolve();
        };
        watchers = [...watchers, look];
        look();
      }),
    [Symbol.asyncDispose]: () => app.stop(),
  };
};
