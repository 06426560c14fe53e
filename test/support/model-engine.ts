import { type EndpointId, endpointId, type Random } from '../../sidecar/core/index.ts';
import { engineAdapters } from '../../sidecar/events/engines/registry.ts';
import type { Holder } from '../../sidecar/kvindex/index.ts';
import { batchOf, liveFrames, replayEnd, replayFrames } from './event-payloads.ts';
import { createTinyIndex, type TinyIndex } from './tiny-index.ts';

type Frames = readonly Uint8Array[];

/** An engine reduced to what its event stream shows: batches with numbers, a bounded replay buffer, and its true cache. */
export interface ModelEngine {
  /** Does something to the cache and publishes it: stores a chain, extends one, stores a copy, evicts, or clears. */
  step(): Frames;
  /** Empties the cache and publishes that. */
  clear(): Frames;
  /** Publishes a batch of the given events, as a positional batch. */
  publish(...events: readonly unknown[]): Frames;
  /** Starts anew: numbers from the first one, empty cache, empty buffer. Hashes are the same as before. */
  restart(): void;
  /** Replies to a replay request, end mark included. */
  replay(from: number): readonly Frames[];
  readonly lastSequence: number | null;
  /** Unix seconds at which the process started. */
  readonly startedAtSeconds: number;
  /** What the cache holds, as an index fed with every event in order would. */
  contents(): ReadonlyMap<string, number>;
}

interface Block {
  readonly hash: number;
  readonly parent: number | null;
  copies: number;
}

/**
 * Creates an engine that counts from `firstSequence` (default 0) and keeps `bufferBatches` (default all) for replay, and
 * clears its cache in `clearShare` of its steps (default never).
 */
export const createModelEngine = (
  random: Random,
  options: { readonly bufferBatches?: number; readonly firstSequence?: number; readonly clearShare?: number } = {},
): ModelEngine => {
  const bufferBatches = options.bufferBatches ?? Number.POSITIVE_INFINITY;
  const firstSequence = options.firstSequence ?? 0;
  const clearShare = options.clearShare ?? 0;
  const id: EndpointId = endpointId('model/engine');
  let truth: TinyIndex = createTinyIndex();
  let holder: Holder = truth.addHolder(id);
  let blocks = new Map<number, Block>();
  let buffer: { readonly sequence: number; readonly payload: Uint8Array }[] = [];
  let next = firstSequence;
  let atSeconds = 1_750_000_000;
  let startedAtSeconds = atSeconds;

  const below = (limit: number): number => Math.floor(random() * limit);
  /** Hash and token follow from the parent and a branch, so that the same chain comes back after an eviction. */
  const childHash = (parent: number | null, branch: number): number => ((parent ?? 1) * 31 + branch + 7) % 1_000_003;

  const publish = (...events: readonly unknown[]): Frames => {
    atSeconds += 0.001 + random();
    const payload = batchOf(events, { atSeconds });
    for (const event of engineAdapters.vllm.decode(payload).events) {
      if (event.kind === 'block-stored') truth.store(holder, event);
      else if (event.kind === 'block-removed') truth.remove(holder, event);
      else truth.clear(holder);
    }
    buffer.push({ sequence: next, payload });
    if (buffer.length > bufferBatches) buffer.shift();
    next += 1;
    return liveFrames(next - 1, payload);
  };

  const storeChain = (): unknown => {
    const held = [...blocks.values()];
    const start = held.length === 0 || random() < 0.3 ? null : (held[below(held.length)]?.hash ?? null);
    const hashes: number[] = [];
    const tokens: number[] = [];
    let parent = start;
    for (let count = 1 + below(3); count > 0; count -= 1) {
      const branch = below(3);
      const hash = childHash(parent, branch);
      hashes.push(hash);
      tokens.push(branch, hash % 1000);
      const known = blocks.get(hash);
      if (known === undefined) blocks.set(hash, { hash, parent, copies: 1 });
      else known.copies += 1;
      parent = hash;
    }
    return ['BlockStored', hashes, start, tokens, 2, null, 'GPU'];
  };

  /** Leaves go first, as with an engine that evicts from the tail. */
  const evict = (): unknown => {
    const parents = new Set([...blocks.values()].map(({ parent }) => parent));
    const leaves = [...blocks.values()].filter(({ hash }) => !parents.has(hash));
    const leaf = leaves[below(leaves.length)];
    if (leaf === undefined) return storeChain();
    leaf.copies -= 1;
    if (leaf.copies === 0) blocks.delete(leaf.hash);
    return ['BlockRemoved', [leaf.hash], 'GPU'];
  };

  return {
    publish,
    step: () => {
      const dice = random();
      if (dice < clearShare) {
        blocks = new Map();
        return publish(['AllBlocksCleared'], storeChain());
      }
      return dice < 0.4 ? publish(evict(), storeChain()) : publish(storeChain());
    },
    clear: () => {
      blocks = new Map();
      return publish(['AllBlocksCleared']);
    },
    restart: () => {
      truth = createTinyIndex();
      holder = truth.addHolder(id);
      blocks = new Map();
      buffer = [];
      next = firstSequence;
      atSeconds += 5;
      startedAtSeconds = atSeconds;
    },
    replay: (from) => [
      ...buffer
        .filter(({ sequence }) => sequence >= from)
        .map(({ sequence, payload }) => replayFrames(sequence, payload)),
      replayEnd,
    ],
    get lastSequence() {
      return next === firstSequence ? null : next - 1;
    },
    get startedAtSeconds() {
      return startedAtSeconds;
    },
    contents: () => truth.contents(id),
  };
};
