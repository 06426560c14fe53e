import type { EndpointId, Medium } from '../core/index.ts';
import type { BlockKeys, KeySeed } from './block-keys.ts';
import type { BlockRemoved, BlockStored } from './kv-event.ts';

declare const brand: unique symbol;
/** Dense number of one endpoint within an index; free numbers are used again. */
export type Holder = number & { readonly [brand]: 'Holder' };

/**
 * Why a stored event is not applied. `attention-kind`: its KV-cache group is not dense full attention. `not-dense`:
 * block size times blocks is not the number of tokens. `unknown-placeholder`: it carries no tokens and none of its
 * engine keys is known. `malformed`: its parts contradict each other.
 */
export type IgnoreReason = 'not-dense' | 'attention-kind' | 'unknown-placeholder' | 'malformed';

/**
 * What became of a stored event. `stored`: `blocks` engine keys were new on the event's medium and group, `duplicates`
 * were stored there already and are counted once more; placeholders' unknown keys are in neither. `orphaned`: the
 * parent is unknown; nothing was applied. `ignored`: nothing was applied, and removals in this group are no surprise.
 */
export type StoreOutcome =
  | { readonly kind: 'stored'; readonly blocks: number; readonly duplicates: number }
  | { readonly kind: 'orphaned' }
  | { readonly kind: 'ignored'; readonly why: IgnoreReason };

/** Figures of one index. */
export interface IndexStats {
  /** Distinct blocks held by at least one endpoint. */
  readonly blocks: number;
  /** (block, endpoint) pairs. */
  readonly pairs: number;
  readonly holders: number;
  /** Bytes of typed arrays, outside the JavaScript heap, whether in use or kept for later. */
  readonly bytes: number;
  /** Blocks dropped by the cap since the start. */
  readonly evictedBlocks: number;
}

/** Write side: `events` applies what engines report, in stream order. Synchronous, no I/O. */
export interface PrefixIndexWriter {
  /** Registers an endpoint with an empty cache. Throws `invalid-argument` when it is registered already. */
  addHolder(endpoint: EndpointId): Holder;
  /** Forgets an endpoint and its blocks. Its number may be given out again. Does nothing for an unknown number. */
  removeHolder(holder: Holder): void;
  /**
   * Applies a stored event; either all of its blocks or none. A hash stored n times on one medium and group is held
   * there until n removals, a block until the last medium and group lets go of it. An engine's full report of blocks
   * it holds already (`kv_cache_report_mode`) cannot be told from a second copy and counts as one.
   * Throws `invalid-argument` for an unknown holder.
   */
  store(holder: Holder, event: BlockStored): StoreOutcome;
  /**
   * Applies a removal; returns how many engine keys were unknown on that medium and group. Removals in groups whose
   * stores are ignored are not counted as unknown. Throws `invalid-argument` for an unknown holder.
   */
  remove(holder: Holder, event: BlockRemoved): number;
  /** Empties an endpoint's cache, all media; returns the blocks it held. Throws `invalid-argument` as above. */
  clear(holder: Holder): number;
}

/** Where {@link PrefixIndexReader.matchByMedium} writes, one entry a holder number. */
export interface MediumMatch {
  /** Consecutive blocks from block 0. */
  readonly blocks: Int32Array;
  /** Sum over those blocks of the largest weight among the media that hold the block. */
  readonly weightedBlocks: Float64Array;
}

/** Read side. Never throws. */
export interface PrefixIndexReader {
  /**
   * Writes, for each holder number, the consecutive blocks from block 0 that it holds on any medium; 0 for others.
   * `into` must have at least `capacity` entries; those beyond are not touched. A block missing in the middle ends the
   * match; blocks behind it count again once it is back. O(blocks + changes of holders x holders), no allocation.
   */
  match(keys: BlockKeys, into: Int32Array): void;
  /** The same with the media's weights summed up along the match; `weightOf` is asked a few times a call. */
  matchByMedium(keys: BlockKeys, weightOf: (medium: Medium) => number, into: MediumMatch): void;
  /** Whether `holder` holds block number `block` of `keys` on any medium. O(1). */
  holds(holder: Holder, keys: BlockKeys, block: number): boolean;
  /**
   * First block of `keys` from number `from`, at least 0, on that `holder` does not hold on any medium; `keys.count` where
   * it holds them all. O(blocks it holds from there), no allocation.
   */
  heldUntil(holder: Holder, keys: BlockKeys, from: number): number;
  /** Media on which `holder` holds block number `block` of `keys`, in alphabetical order. */
  mediaOf(holder: Holder, keys: BlockKeys, block: number): readonly Medium[];
  /** Block sizes held by at least one endpoint, ascending. O(1) while the sizes in use stay the same. */
  blockSizes(): readonly number[];
  /**
   * Media on which an endpoint stored blocks since its cache was last empty, in alphabetical order; the same array until
   * they change. O(1) then.
   */
  media(): readonly Medium[];
  /** Blocks `holder` holds, each counted once whatever its media; 0 for an unknown number. */
  blocksOf(holder: Holder): number;
  /** Largest holder number ever given out, plus 1. */
  readonly capacity: number;
  /** Seed that the keys asked about must be made with. Changes only when an empty index loads a dump. */
  readonly keySeed: KeySeed;
  stats(): IndexStats;
}

/** In-memory prefix index: which endpoint holds which blocks. */
export interface PrefixIndex extends PrefixIndexWriter, PrefixIndexReader {}

/** A prefix index that can be saved and brought back. */
export interface DumpablePrefixIndex extends PrefixIndex {
  /**
   * Writes out all that one endpoint holds, in pieces to be joined in order: blocks by key, engine keys with counts,
   * media, groups, parent links. Events may be applied between two pieces; the last piece makes the dump good as of
   * the moment it is taken, so note the stream's sequence number then. About 2 ms of work a piece. Throws
   * `unavailable` when the endpoint is cleared or removed meanwhile, `invalid-argument` when it is unknown.
   * The format carries version and key seed but no checksum.
   */
  dumpHolder(holder: Holder): Generator<Uint8Array, void, void>;
  /**
   * Brings a dump back into an endpoint that holds nothing, yielding every millisecond or two; done when the
   * generator is. An index without any block takes on the dump's key seed. Throws `invalid-argument`, before anything
   * is applied, for bytes that are no whole dump of this version, for a dump under another seed while blocks are held,
   * and for an endpoint that is unknown or not empty. No events may be applied to the endpoint meanwhile.
   */
  loadHolder(holder: Holder, dump: Uint8Array): Generator<void, void, void>;
}
