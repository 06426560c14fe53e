import {
  type Endpoint,
  type EndpointId,
  endpointId,
  poolName,
  seededRandom,
  silentLogger,
  silentMetrics,
  systemClock,
} from '../../sidecar/core/index.ts';
import {
  createReplayGate,
  createStreams,
  createTurnQueue,
  createZeromqTransport,
  type StreamStatus,
  type Streams,
  type StreamsOptions,
} from '../../sidecar/events/index.ts';
import { createPrefixIndex, type PrefixIndex } from '../../sidecar/kvindex/index.ts';
import { createEngine, type Engine, type EngineAddresses, type EngineOptions } from '../../sidecar/simulator/index.ts';
import { tokenIdTokenizer } from './engine-harness.ts';
import { indexDifferences } from './index-truth.ts';

/** A started engine that takes token ids and computes without waiting. */
export interface TestEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly at: EngineAddresses;
  readonly blockSize: number;
  /** Completes prompts one after the other; `seed` decides which. Prompts share prefixes. */
  load(requests: number, seed: number): Promise<void>;
}

const blockSize = 4;

/** Prompts of 2 to 40 tokens that begin alike, out of few words, so that blocks are shared, evicted and stored again. */
const promptsOf = (requests: number, seed: number): readonly (readonly number[])[] => {
  const random = seededRandom(seed);
  return Array.from({ length: requests }, () => {
    const system = Math.floor(random() * 4);
    const length = 2 + Math.floor(random() * 38);
    return Array.from({ length }, (_, i) => (i < 12 ? 100 * system + i : 1000 + Math.floor(random() * 2)));
  });
};

/** Starts an engine with few blocks, so that every load evicts. */
export const startTestEngine = async (options: Partial<EngineOptions> = {}): Promise<TestEngine> => {
  const engine = createEngine({ tokenizer: tokenIdTokenizer, timeScale: 0, blocks: 64, blockSize, ...options });
  const at = await engine.start();
  return {
    engine,
    at,
    blockSize,
    load: async (requests, seed) => {
      for (const [i, prompt] of promptsOf(requests, seed).entries()) {
        const answer = await fetch(`http://${at.address}/v1/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-data-parallel-rank': String(i % (options.ranks ?? 1)) },
          body: JSON.stringify({ model: 'tiny-qwen', prompt, max_tokens: 1 + (i % 6), ignore_eos: true }),
        });
        await answer.arrayBuffer();
        if (answer.status !== 200) throw new Error(`engine answered ${answer.status}`);
      }
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};

/** Event streams on real sockets with a real index. */
export interface EventWorld extends AsyncDisposable {
  readonly streams: Streams;
  readonly index: PrefixIndex;
  /** Where a bound pool listens. */
  readonly boundAddress: string | null;
  /** Follows an engine; `rank` names one of several. */
  follow(engine: TestEngine, options?: Partial<Endpoint>): EndpointId;
  /** Resolves when `condition` holds for the endpoint's status, looked at after each change and each event. */
  until(id: EndpointId, condition: (status: StreamStatus) => boolean): Promise<void>;
  /** Resolves when all that the engine published is applied and the stream is live. */
  settled(id: EndpointId, engine: TestEngine, rank?: number): Promise<void>;
  /** Blocks that only one of index and engine has; empty when they are equal. */
  differences(id: EndpointId, engine: TestEngine, rank?: number): readonly string[];
}

/** Short waits, so that faults are noticed within a test's patience. */
const timing = {
  replayIdleMs: 300,
  replayBackoffMs: 10,
  replayBackoffCapMs: 20,
  replayCooldownMs: 300,
  staleAfterMs: 2_000,
  quietCheckMs: 100,
};

/** Creates streams for a pool; `bind` lets engines dial in. */
export const createEventWorld = async (options: Partial<StreamsOptions> = {}): Promise<EventWorld> => {
  const index = createPrefixIndex({ maxBlocks: 100_000 });
  const turns = createTurnQueue({ clock: systemClock, metrics: silentMetrics });
  let names = 0;
  let watchers: readonly (() => void)[] = [];
  const wake = (): void => {
    for (const look of watchers) look();
  };
  const streams = createStreams({
    pool: poolName('pool'),
    index,
    transport: createZeromqTransport({ turns, logger: silentLogger }),
    gate: createReplayGate(),
    turns,
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: silentMetrics,
    timing,
    onApplied: () => queueMicrotask(wake),
    onChanged: () => queueMicrotask(wake),
    ...options,
  });
  const boundAddress = await streams.start(new AbortController().signal);
  const until: EventWorld['until'] = (id, condition) =>
    new Promise((resolve) => {
      const look = (): void => {
        const status = streams.status(id);
        if (status === null || !condition(status)) return;
        watchers = watchers.filter((watcher) => watcher !== look);
        resolve();
      };
      watchers = [...watchers, look];
      look();
    });

  return {
    streams,
    index,
    boundAddress,
    until,
    follow: ({ at }, overrides = {}) => {
      names += 1;
      const rank = overrides.rank ?? 0;
      const addresses = at.ranks[rank];
      const id = endpointId(`pool/e${names}`);
      streams.follow({
        id,
        name: `e${names}`,
        pool: poolName('pool'),
        address: at.address,
        rank,
        hasRanks: at.ranks.length > 1,
        role: 'both',
        engine: 'vllm',
        eventsAddress: addresses?.eventsAddress ?? null,
        replayAddress: addresses?.replayAddress ?? null,
        metricsUrl: null,
        ...overrides,
      });
      return id;
    },
    settled: (id, { engine }, rank = 0) =>
      until(id, ({ state, lastSequence }) => state === 'live' && lastSequence === engine.lastSequence(rank)),
    differences: (id, { engine }, rank = 0) => {
      const holder = streams.holderOf(id);
      if (holder === null) return ['not followed'];
      return indexDifferences({ index, holder, engine, blockSize, rank });
    },
    [Symbol.asyncDispose]: () => streams.stop(),
  };
};
