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
  type TurnQueue,
} from '../events/index.ts';
import { createPrefixIndex, createRoutingHistory, type Holder, type PrefixIndex } from '../kvindex/index.ts';
import {
  createInferredLedger,
  createLedger,
  createPool,
  createWorkTally,
  type HttpGet,
  type Pool,
} from '../pool/index.ts';
import type { PromptEncoder } from '../prompt/index.ts';
import { createInFlight, type RoutedPool } from '../routing/index.ts';
import type { Profile } from '../scheduling/index.ts';

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
  /** Loads tokenizer and template from a folder. Rejects with `tokenizer-unavailable`. */
  readonly loadEncoder: (folder: string) => Promise<PromptEncoder>;
  readonly signal: AbortSignal;
}

/** One pool at work: its endpoints, event streams, index, prompt encoder and what routing sees of them. */
export interface PoolRuntime {
  readonly routed: RoutedPool;
  readonly pool: Pool;
  readonly index: PrefixIndex;
  readonly streams: Streams;
  mistakes(): readonly string[];
  /** State of the tokenizer: loaded by its path, still loading, or why there is none. */
  encoderState(): { readonly isSettled: boolean; readonly detail: string };
  /** Begins scraping and, where engines dial in, listening. */
  start(): void;
  /** Takes over what discovery says now. */
  update(discovered: DiscoveredPool): void;
  stop(): Promise<void>;
}

/** Tokenizer and template of a pool, loaded in the background and again when the folder changes. */
const createEncoderSlot = (context: PoolRuntimeContext, logger: Logger) => {
  let folder: string | null = null;
  let encoder: PromptEncoder | null = null;
  let detail = 'no tokenizer is configured';
  let isSettled = true;
  const load = (next: string): void => {
    folder = next;
    isSettled = false;
    detail = `loading ${next}`;
    context.loadEncoder(next).then(
      (loaded) => {
        if (folder !== next) return;
        encoder = loaded;
        isSettled = true;
        detail = loaded.pathReason === null ? loaded.path : `${loaded.path}: ${loaded.pathReason}`;
        logger.info('tokenizer loaded', { tokenizer: next, path: loaded.path, reason: loaded.pathReason });
      },
      (failure: unknown) => {
        if (folder !== next) return;
        const error = SidecarError.from(failure, 'tokenizer-unavailable');
        isSettled = true;
        detail = error.message;
        logger.warn('tokenizer could not be loaded', { tokenizer: next, code: error.code, problem: error.message });
      },
    );
  };
  return {
    update: (next: string | null): void => {
      if (next !== null && next !== folder) load(next);
    },
    encoder: () => encoder,
    state: () => ({ isSettled, detail }),
  };
};

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
  options: { readonly context: PoolRuntimeContext; readonly profile: Profile },
): PoolRuntime => {
  const { context, profile } = options;
  const { clock, random, metrics, signal } = context;
  const { name, eventsBind } = first.definition;
  const logger = context.logger.child({ pool: name });
  const index = createPrefixIndex({ maxBlocks: context.maxBlocks });
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
    sourcesOf: ({ address }, aborting) => fetchEventSources({ address, fetch, signal: aborting }),
    onApplied: (endpoint, event) => {
      if (event.kind === 'all-blocks-cleared') inFlight.forgetPromises(endpoint.id);
      else inFlight.markApplied(endpoint.id);
    },
  });
  const encoder = createEncoderSlot(context, logger);
  let definition = first.definition;
  let mistakes = first.mistakes;
  let bindProblem: string | null = null;
  const endpoints = new Map<EndpointId, { readonly endpoint: Endpoint; readonly holder: Holder }>();

  pool.onRestart(({ endpoint, reason, startedAtSeconds }) => {
    inFlight.forgetPromises(endpoint);
    inferredLedger.drop(endpoint);
    streams.notifyRestart(endpoint, { reason, ...(startedAtSeconds === null ? {} : { startedAtSeconds }) });
  });
  pool.onLoad((endpoint, load) => inferredLedger.observeLoad(endpoint, load));
  pool.onAsleep((endpoint) => streams.notifyCleared(endpoint, 'asleep'));

  const add = (endpoint: Endpoint): void => {
    const holder = index.addHolder(endpoint.id);
    endpoints.set(endpoint.id, { endpoint, holder });
    streams.follow(endpoint, holder);
  };
  const remove = (id: EndpointId, holder: Holder): void => {
    endpoints.delete(id);
    inFlight.forgetPromises(id);
    inferredLedger.drop(id);
    streams.unfollow(id);
    history.forget(holder);
    index.removeHolder(holder);
  };

  return {
    routed: {
      name,
      get models() {
        return definition.models;
      },
      profile,
      index,
      history,
      inFlight,
      snapshot: () => pool.snapshot(),
      encoder: encoder.encoder,
      holderOf: (id) => endpoints.get(id)?.holder,
      trustOf: (id) => streams.trust(id),
      reportConnection: (id, outcome) => {
        if (outcome === 'refused') pool.reportConnectionFailure(id);
        else pool.reportSuccess(id);
      },
    },
    pool,
    index,
    streams,
    mistakes: () => (bindProblem === null ? mistakes : [...mistakes, bindProblem]),
    encoderState: encoder.state,
    start: () => {
      pool.start(signal);
      streams.start(signal).catch((failure: unknown) => {
        const error = SidecarError.from(failure, 'listen-failed');
        bindProblem = error.message;
        logger.error('events cannot be received', { code: error.code, problem: error.message });
      });
    },
    update: (discovered) => {
      definition = discovered.definition;
      mistakes = discovered.mistakes;
      encoder.update(definition.tokenizer);
      const next = new Map(discovered.endpoints.map(({ endpoint }) => [endpoint.id, endpoint]));
      for (const [id, { endpoint, holder }] of endpoints) {
        const now = next.get(id);
        if (now === undefined || !hasSameStream(now, endpoint)) remove(id, holder);
      }
      for (const endpoint of next.values()) if (!endpoints.has(endpoint.id)) add(endpoint);
      pool.replace(discovered.endpoints);
    },
    stop: () => streams.stop(),
  };
};
