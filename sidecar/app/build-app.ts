import type { Config, PoolConfig } from '../config/index.ts';
import { type Clock, delay, type Logger, type Random, SidecarError, systemClock } from '../core/index.ts';
import { type DiscoveredPool, dialTcp } from '../discovery/index.ts';
import { createReplayGate, createTurnQueue, createZeromqTransport, type StreamTiming } from '../events/index.ts';
import {
  createAdminGateway,
  createConsultGateway,
  createExtprocGateway,
  createProxyGateway,
  type Gateway,
} from '../gateway/index.ts';
import { createLogger } from '../logging/index.ts';
import { catalogue, createMetricsRegistry } from '../metrics/index.ts';
import { createHttpGet } from '../pool/index.ts';
import { createRequestReader, type PromptEncoderOptions, parseTemplateVariables } from '../prompt/index.ts';
import { createAudit, createDecisionLog, createDirector } from '../routing/index.ts';
import { type Profile, parseProfile } from '../scheduling/index.ts';
import { createAdminSource } from './admin-source.ts';
import { createConversationFigures } from './conversation-figures.ts';
import { createDiscoveries } from './discoveries.ts';
import { createPoolRuntime, type PoolRuntime, type PoolRuntimeContext } from './pool-runtime.ts';
import { createPortWatch } from './port-watch.ts';
import { createReadiness } from './readiness.ts';
import { type Stoppable, stopAll } from './run-group.ts';
import { createWarmth } from './warm-start/warmth.ts';

/** Members of which none is undefined, as `exactOptionalPropertyTypes` has them. */
type Present<Options> = { [Key in keyof Options]: Exclude<Options[Key], undefined> };

/** What tests and the demo put in place of the real thing. */
export interface AppOverrides {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly streamTiming?: Partial<StreamTiming>;
  /** Told after each event applied and each change of a stream. */
  readonly onStreams?: () => void;
}

/** Bound addresses by listener, `host:port`. */
export type Listening = Readonly<Record<string, string>>;

/** A built sidecar. */
export interface App {
  readonly logger: Logger;
  /**
   * Opens the listeners, begins discovery and resolves when all are listening. Rejects with `listen-failed`, or
   * `unavailable` where a source of pools cannot be read at all; everything is closed again then.
   */
  start(): Promise<Listening>;
  isReady(): boolean;
  /** Resolves when every readiness condition is met; rejects where the first look of a source fails, or after `stop`. */
  ready(): Promise<void>;
  /** Resolves once the first look of every source is done and its pools are followed. */
  synced(): Promise<void>;
  /** The pools at work, for tests and the demo. */
  pools(): readonly PoolRuntime[];
  /** Not ready at once; then stops accepting, lets requests in flight finish, closes streams, flushes logs. */
  stop(): Promise<void>;
}

const profileFor = (name: string, scheduling: unknown): Profile => {
  const parsed = parseProfile(scheduling, { name });
  if (parsed.kind === 'profile') return parsed.profile;
  const mistakes = parsed.mistakes.map(({ path, allowed }) => `pool ${name}: scheduling.${path}: ${allowed}`);
  throw new SidecarError('invalid-config', 'a scheduling profile has mistakes', { details: { mistakes } });
};

/** What a pool's engines add to every prompt by their flags; undefined where nothing is configured. */
export const promptDefaultsOf = ({ chatTemplateKwargs }: PoolConfig): PromptEncoderOptions['defaults'] =>
  chatTemplateKwargs === undefined
    ? undefined
    : { templateVariables: parseTemplateVariables(JSON.stringify(chatTemplateKwargs)) };

/** The same without members that are undefined, for options where absent is not undefined. */
const withoutAbsent = <Options extends object>(options: Options): Present<Options> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Present<Options>;

/** Readiness is derived from many rooms; it is looked at again this often by who waits for it. */
const READY_POLL_MS = 20;

/** Turns of the event loop in which connections that are made already are accepted and their requests read. */
const ARRIVAL_TURNS = 4;

/** Lets in what has arrived: closing a listener resets connections that nobody has accepted yet. */
const takeWhatArrived = async (): Promise<void> => {
  for (let turn = 0; turn < ARRIVAL_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const sessionBlock = { scorers: [{ type: 'session-affinity-scorer' }] };

/** The composition root: builds every room from a configuration, top to bottom. Opens nothing. */
export const buildApp = (config: Config, overrides: AppOverrides = {}): App => {
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const rootLogger = createLogger({ ...config.log, stream: process.stderr, clock });
  const logger = overrides.logger ?? rootLogger;
  const mistakenFigures = new Set<string>();
  const metrics = createMetricsRegistry({
    catalogue,
    onMistake: (mistake) => {
      if (mistakenFigures.size < 100 && !mistakenFigures.has(mistake)) {
        mistakenFigures.add(mistake);
        logger.warn('a figure does not fit the catalogue', { mistake });
      }
    },
  });
  const stopping = new AbortController();

  const log = createDecisionLog(config.decisions.keep);
  const audit = createAudit({ log, metrics, clock, logger });

  // One transport, gate for replays and queue of turns for all pools: they share one event loop.
  const turns = createTurnQueue({ clock, metrics });
  const get = createHttpGet();
  const context: PoolRuntimeContext = {
    clock,
    random,
    logger,
    metrics,
    transport: createZeromqTransport({ turns, logger }),
    gate: createReplayGate(),
    turns,
    get,
    maxBlocks: config.index.maxBlocks,
    historyBlocks: config.index.historyBlocks,
    scrape: config.scrape,
    tokenizers: { ...config.tokenizers, hub: config.tokenizers.offline ? null : config.tokenizers.hub },
    audit,
    signal: stopping.signal,
    get keySeed() {
      return warmth.keySeed();
    },
    get isWarmStartPending() {
      return warmth.isPending();
    },
    ...(overrides.streamTiming === undefined ? {} : { streamTiming: overrides.streamTiming }),
    ...(overrides.onStreams === undefined ? {} : { onStreams: overrides.onStreams }),
  };

  const runtimes = new Map<string, PoolRuntime>();
  const allRuntimes = (): readonly PoolRuntime[] => [...runtimes.values()];
  const warmth = createWarmth(config.warmStart, {
    runtimes: allRuntimes,
    turns,
    clock,
    logger,
    metrics,
    signal: stopping.signal,
  });

  const profiles = new Map(config.pools.map(({ name, scheduling }) => [name, profileFor(name, scheduling)]));
  const configured = new Map(config.pools.map((pool) => [pool.name, pool]));
  const discoveries = createDiscoveries(config, { clock, random, logger });
  const latest = new Map<string, readonly DiscoveredPool[]>();
  let hasSynced = false;
  let isDraining = false;

  const reconcile = (): void => {
    const discovered = new Map([...latest.values()].flat().map((pool) => [String(pool.definition.name), pool]));
    for (const [name, runtime] of runtimes) {
      if (discovered.has(name)) continue;
      runtimes.delete(name);
      logger.info('pool gone', { pool: name });
      runtime.stop().catch((failure: unknown) => {
        logger.error('a pool did not end in good order', {
          pool: name,
          code: SidecarError.from(failure, 'internal').code,
        });
      });
    }
    for (const [name, pool] of discovered) {
      const known = runtimes.get(name);
      if (known !== undefined) {
        known.update(pool);
        continue;
      }
      const profile = profiles.get(name) ?? profileFor(name, undefined);
      const own = configured.get(name);
      const runtime = createPoolRuntime(pool, {
        context,
        profile,
        mediumWeights: own?.events.mediumWeights ?? {},
        passesTokenIds: own?.passTokenIds ?? false,
        promptDefaults: own === undefined ? undefined : promptDefaultsOf(own),
      });
      runtimes.set(name, runtime);
      logger.info('pool found', { pool: name, endpoints: pool.endpoints.length });
      runtime.start();
      runtime.update(pool);
    }
  };

  const reader = createRequestReader(config.conversations);
  const director = createDirector({
    directory: { pools: () => allRuntimes().map(({ routed }) => routed) },
    log,
    clock,
    random,
    metrics,
    sessionProfile: profileFor('session', sessionBlock),
    reader,
    audit,
  });
  const ports = createPortWatch({ runtimes: allRuntimes, dial: dialTcp, clock, logger });
  const findings = () => [...discoveries.flatMap(({ discovery }) => discovery.findings()), ...ports.findings()];
  const readiness = createReadiness({
    discoveries,
    findings,
    runtimes: allRuntimes,
    hasSynced: () => hasSynced,
    warmStart: warmth.condition,
    isDraining: () => isDraining,
    clock,
  });
  const source = createAdminSource({
    runtimes: allRuntimes,
    readiness,
    findings,
    director,
    log,
    audit,
    registry: metrics,
    clock,
    dump: warmth.dump,
    observe: createConversationFigures(reader, metrics),
  });

  const { proxy, consult, extproc } = config.gateways;
  const isReady = () => readiness().every(({ isMet }) => isMet);
  const shared = { router: director, clock, logger, metrics };
  const edges: Record<string, Gateway> = {
    ...(proxy === undefined ? {} : { proxy: createProxyGateway({ ...shared, ...proxy }) }),
    ...(consult === undefined ? {} : { consult: createConsultGateway({ ...shared, ...withoutAbsent(consult) }) }),
    ...(extproc === undefined
      ? {}
      : { extproc: createExtprocGateway({ ...shared, isReady, ...withoutAbsent(extproc) }) }),
  };
  const admin = createAdminGateway({ ...config.admin, source, clock, logger });

  const syncing = Promise.withResolvers<void>();
  syncing.promise.catch(() => {});
  const discover = async (): Promise<void> => {
    await warmth.prepare();
    await Promise.all(
      discoveries.map(({ name, discovery }) =>
        discovery.start(stopping.signal, (pools) => {
          latest.set(name, pools);
          reconcile();
        }),
      ),
    );
    await Promise.all(allRuntimes().map((runtime) => runtime.followed()));
    hasSynced = true;
    warmth.begin();
    syncing.resolve();
  };

  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    isDraining = true;
    const drains: readonly Stoppable[] = Object.entries(edges).map(([name, edge]) => ({ name, stop: edge.stop }));
    const rest: readonly Stoppable[] = [
      { name: 'warm start', stop: warmth.stop },
      { name: 'discovery', stop: async () => stopping.abort() },
      ...allRuntimes().map((runtime) => ({ name: `pool ${runtime.routed.name}`, stop: runtime.stop })),
      { name: 'scrapes', stop: async () => get[Symbol.asyncDispose]() },
      { name: 'admin', stop: () => admin.stop(0) },
      { name: 'log', stop: () => rootLogger.close() },
    ];
    stopped ??= (async () => {
      logger.info('draining', { drainMs: config.drainMs });
      await takeWhatArrived();
      // Edges drain side by side; admin answers until the end, so that probes see why.
      await Promise.all(drains.map((part) => stopAll([part], { deadlineMs: config.drainMs, clock, logger })));
      await stopAll(rest, { deadlineMs: 5000, clock, logger });
    })();
    return stopped;
  };

  return {
    logger,
    start: async () => {
      try {
        metrics.collectProcess();
        const listening: Record<string, string> = {};
        for (const [name, gateway] of Object.entries({ ...edges, admin })) {
          listening[name] = (await gateway.start(stopping.signal)).address;
        }
        ports.start(stopping.signal);
        const found = discover();
        found.catch((failure: unknown) => syncing.reject(failure));
        // Static pools are known at once; a cluster may take a while, and readiness says so.
        await Promise.race([found, new Promise((resolve) => clock.schedule(250, () => resolve(undefined)))]);
        return listening;
      } catch (failure) {
        await stop();
        throw failure;
      }
    },
    isReady,
    synced: () => syncing.promise,
    ready: async () => {
      await syncing.promise;
      while (!isReady()) await delay(clock, READY_POLL_MS, stopping.signal);
    },
    pools: allRuntimes,
    stop,
  };
};
