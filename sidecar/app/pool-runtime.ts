import {
  type Clock,
  type Endpoint,
  type EndpointId,
  type Logger,
  type Metrics,
  type Random,
  SidecarError,
} from '../core/index.ts';
import type { DiscoveredPool } from '../discovery/index.ts';
import {
  createStreams,
  type EventTransport,
  fetchEventSources,
  type ReplayGate,
  type Streams,
  type StreamTiming,
  type TurnQueue,
} from '../events/index.ts';
import {
  createPrefixIndex,
  createRoutingHistory,
  type DumpablePrefixIndex,
  type Holder,
  type KeySeed,
} from '../kvindex/index.ts';
import {
  createInferredLedger,
  createLedger,
  createPool,
  createWorkTally,
  type HttpGet,
  type Pool,
} from '../pool/index.ts';
import {
  createPromptEncoder,
  createRemoteTokenizer,
  type PromptEncoderOptions,
  resolveTokenizer,
} from '../prompt/index.ts';
import {
  type Audit,
  createInFlight,
  createMediumWeights,
  type EndpointTrust,
  type RoutedPool,
} from '../routing/index.ts';
import type { Profile } from '../scheduling/index.ts';
import { createEncoderSlot, type EncoderState } from './encoder-slot.ts';
import { createEndpointIntake } from './endpoint-intake.ts';
import { createTrafficNotes } from './traffic-notes.ts';

/** How long a decision may wait for an engine to tokenize a prompt. */
const REMOTE_TIMEOUT_MS = 500;

/** What every pool of the process shares. */
export interface PoolRuntimeContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly transport: EventTransport;
  readonly gate: ReplayGate;
  readonly turns: TurnQueue;
  readonly maxBlocks: number;
  readonly historyBlocks: number;
  readonly get: HttpGet;
  readonly scrape: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly audit: Audit;
  /** Where tokenizer files that are named by a hub's id may be found. */
  readonly tokenizers: Pick<Parameters<typeof resolveTokenizer>[0], 'modelsFolder' | 'cacheFolder' | 'hub'>;
  readonly signal: AbortSignal;
  /** What indexes that are created from now on make their keys with. */
  readonly keySeed: KeySeed;
  /** Whether what peers or a file know of endpoints is awaited, so that nothing is given up yet. */
  readonly isWarmStartPending: boolean;
  /** Other waits and limits of event streams than the default; for tests. */
  readonly streamTiming?: Partial<StreamTiming>;
  /** Told after each event applied and each change of a stream. */
  readonly onStreams?: () => void;
}

/** Trust with its reason, null where it is `exact`. */
export interface EndpointTrustView extends EndpointTrust {
  readonly reason: string | null;
}

/** One pool at work: its endpoints, event streams, index, prompt encoder and what routing sees of them. */
export interface PoolRuntime {
  readonly routed: RoutedPool;
  readonly pool: Pool;
  readonly index: DumpablePrefixIndex;
  readonly streams: Streams;
  /** How far an endpoint's part of the index is relied on, and why not further. */
  trustOf(endpoint: EndpointId): EndpointTrustView;
  mistakes(): readonly string[];
  /** State of the tokenizer: loaded by its path, still loading, or why there is none. */
  encoderState(): EncoderState;
  /** Endpoints found that are not followed yet; a large pool is taken over a few at a time. */
  pendingEndpoints(): number;
  /** Resolves once all endpoints found are followed, or after `stop`. */
  followed(): Promise<void>;
  /** Begins scraping and, where engines dial in, listening. */
  start(): void;
  /** Takes over what discovery says now; the same object again changes nothing. */
  update(discovered: DiscoveredPool): void;
  stop(): Promise<void>;
}

/** Whether one endpoint's events are the other's too; the rest of an endpoint may change without losing its blocks. */
const hasSameStream = (a: Endpoint, b: Endpoint): boolean =>
  a.address === b.address &&
  a.rank === b.rank &&
  a.engine === b.engine &&
  a.eventsAddress === b.eventsAddress &&
  a.replayAddress === b.replayAddress;

/** Builds one pool. Nothing is opened before the first `update`. */
export const createPoolRuntime = (
  first: DiscoveredPool,
  options: {
    readonly context: PoolRuntimeContext;
    readonly profile: Profile;
    /** What a cached block counts for, by the medium it lies on; others have their default. */
    readonly mediumWeights: Readonly<Record<string, number>>;
    readonly passesTokenIds: boolean;
    /** What the engines' flags add to every prompt. */
    readonly promptDefaults: PromptEncoderOptions['defaults'];
  },
): PoolRuntime => {
  const { context, profile } = options;
  const { clock, random, metrics, signal, audit } = context;
  const { name, eventsBind } = first.definition;
  const logger = context.logger.child({ pool: name });
  const index = createPrefixIndex({ maxBlocks: context.maxBlocks, keySeed: context.keySeed });
  const history = createRoutingHistory({ maxBlocksPerHolder: context.historyBlocks });
  const tally = createWorkTally();
  const ledger = createLedger({ clock, pool: name, metrics, tally });
  const inferredLedger = createInferredLedger({
    clock,
    pool: name,
    metrics,
    tally,
    seesEvents: (endpoint) => streams.trust(endpoint).trust !== 'fallback',
  });
  const inFlight = createInFlight({ index, ledger, inferredLedger, clock });
  const pool = createPool({
    name,
    clock,
    random,
    logger,
    metrics,
    get: context.get,
    scrapeIntervalMs: context.scrape.intervalMs,
    timeoutMs: context.scrape.timeoutMs,
  });
  const streams = createStreams({
    pool: name,
    index,
    transport: context.transport,
    gate: context.gate,
    turns: context.turns,
    clock,
    random,
    logger,
    metrics,
    bind: eventsBind,
    isHeld: context.isWarmStartPending,
    sourcesOf: ({ address }, aborting) => fetchEventSources({ address, fetch, signal: aborting }),
    onApplied: (endpoint, event) => {
      if (event.kind === 'all-blocks-cleared') noteEmpty(endpoint.id);
      else inFlight.markApplied(endpoint.id);
      context.onStreams?.();
    },
    onChanged: () => context.onStreams?.(),
    ...(context.streamTiming === undefined ? {} : { timing: context.streamTiming }),
  });
  const encoder = createEncoderSlot({
    clock,
    random,
    logger,
    resolve: (tokenizer) => resolveTokenizer({ tokenizer, ...context.tokenizers, fetch, clock, signal }),
    create: (folder) =>
      createPromptEncoder({
        folder,
        logger,
        clock,
        ...(options.promptDefaults === undefined ? {} : { defaults: options.promptDefaults }),
        remote: createRemoteTokenizer({ baseUrl: anyEngine, fetch, clock, timeoutMs: REMOTE_TIMEOUT_MS }),
      }),
  });
  /** Clears of each endpoint's cache so far, told by events or seen elsewhere. */
  const clears = new Map<EndpointId, number>();
  const noteEmpty = (id: EndpointId): void => {
    clears.set(id, (clears.get(id) ?? 0) + 1);
    inFlight.forgetPromises(id);
    const holder = endpoints.get(id)?.holder;
    if (holder !== undefined) history.forget(holder);
  };
  const clearSeenElsewhere = (id: EndpointId, reason: string): void => {
    noteEmpty(id);
    streams.notifyCleared(id, reason);
  };
  /** Base URL of an engine that can be asked for tokens where there are no tokenizer files. */
  const anyEngine = (): string | null => {
    const usable = pool.snapshot().endpoints.filter(({ health }) => health !== 'failing');
    const state = usable[Math.floor(random() * usable.length)];
    return state === undefined ? null : `http://${state.endpoint.address}`;
  };
  let current: DiscoveredPool | null = null;
  let definition = first.definition;
  let mistakes = first.mistakes;
  let bindProblem: string | null = null;
  const endpoints = new Map<EndpointId, { readonly endpoint: Endpoint; readonly holder: Holder }>();

  pool.onRestart(({ endpoint, reason, startedAtSeconds }) => {
    noteEmpty(endpoint);
    inferredLedger.drop(endpoint);
    audit.forget(endpoint);
    streams.notifyRestart(endpoint, { reason, ...(startedAtSeconds === null ? {} : { startedAtSeconds }) });
  });
  const noteTraffic = createTrafficNotes((endpoint) => streams.notifyTraffic(endpoint));
  pool.onLoad((endpoint, load) => {
    inferredLedger.observeLoad(endpoint, load);
    noteTraffic(endpoint, load);
    audit.observeLoad({ id: endpoint, pool: name }, { load, isQuiet: inFlight.work(endpoint).requests === 0 });
  });
  pool.onAsleep((endpoint) => clearSeenElsewhere(endpoint, 'asleep'));

  /** Tokens a block of an endpoint, null where neither its metrics nor the pool's events say. */
  const blockSizeOf = (id: EndpointId): number | null => {
    const load = pool.snapshot().endpoints.find(({ endpoint }) => endpoint.id === id)?.load;
    return load?.blockSize ?? index.blockSizes().at(-1) ?? null;
  };

  /** What the stream says, lowered where predictions that rest on it miss beyond chance. */
  const trustOf = (id: EndpointId): EndpointTrustView => {
    const told = streams.trust(id);
    if (told.trust !== 'exact') return told;
    const drift = audit.driftOf(id);
    if (drift === null) return told;
    return { trust: 'degraded', reason: `drift: ${drift.cause}`, missingShare: drift.missingShare };
  };

  const add = (endpoint: Endpoint): void => {
    const holder = index.addHolder(endpoint.id);
    endpoints.set(endpoint.id, { endpoint, holder });
    streams.follow(endpoint, holder);
  };
  const remove = (id: EndpointId, holder: Holder): void => {
    endpoints.delete(id);
    clears.delete(id);
    noteTraffic(id, null);
    audit.forget(id);
    inFlight.forgetPromises(id);
    inferredLedger.drop(id);
    streams.unfollow(id);
    history.forget(holder);
    index.removeHolder(holder);
  };

  const intake = createEndpointIntake({
    clock,
    take: (members) => {
      const next = new Map(members.map(({ endpoint }) => [endpoint.id, endpoint]));
      for (const [id, { endpoint, holder }] of endpoints) {
        const now = next.get(id);
        if (now === undefined || !hasSameStream(now, endpoint)) remove(id, holder);
      }
      for (const endpoint of next.values()) if (!endpoints.has(endpoint.id)) add(endpoint);
      pool.replace(members);
    },
  });

  return {
    routed: {
      name,
      get models() {
        return definition.models;
      },
      profile,
      passesTokenIds: options.passesTokenIds,
      mediumWeight: createMediumWeights(options.mediumWeights),
      index,
      history,
      inFlight,
      snapshot: () => pool.snapshot(),
      encoder: encoder.encoder,
      holderOf: (id) => endpoints.get(id)?.holder,
      trustOf,
      reportConnection: (id, outcome) => {
        if (outcome === 'refused') pool.reportConnectionFailure(id);
        else pool.reportSuccess(id);
      },
      expectClear: (id) => {
        const address = endpoints.get(id)?.endpoint.address;
        // The call reaches every rank behind the address.
        const before = [...endpoints.values()]
          .filter(({ endpoint }) => endpoint.address === address)
          .map(({ endpoint }) => ({ rank: endpoint.id, count: clears.get(endpoint.id) ?? 0 }));
        return () => {
          for (const { rank, count } of before) {
            if ((clears.get(rank) ?? 0) === count && endpoints.has(rank)) clearSeenElsewhere(rank, 'seen-in-traffic');
          }
        };
      },
      reportComputed: (id, uncachedTokens) => {
        const blockSize = blockSizeOf(id);
        if (blockSize !== null && uncachedTokens >= 2 * blockSize) streams.notifyTraffic(id);
      },
    },
    pool,
    index,
    streams,
    trustOf,
    mistakes: () => (bindProblem === null ? mistakes : [...mistakes, bindProblem]),
    encoderState: encoder.state,
    pendingEndpoints: intake.pending,
    followed: intake.settled,
    start: () => {
      pool.start(signal);
      streams.start(signal).catch((failure: unknown) => {
        const error = SidecarError.from(failure, 'listen-failed');
        bindProblem = error.message;
        logger.error('events cannot be received', { code: error.code, problem: error.message });
      });
    },
    update: (discovered) => {
      if (discovered === current) return;
      current = discovered;
      definition = discovered.definition;
      mistakes = discovered.mistakes;
      encoder.update(definition.tokenizer);
      intake.offer(discovered.endpoints);
    },
    stop: () => {
      encoder.stop();
      intake.stop();
      // Of a pool that is gone nothing is scraped any more.
      pool.replace([]);
      return streams.stop();
    },
  };
};
