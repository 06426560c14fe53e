import type { EndpointId } from '../core/index.ts';
import type { BlockKeys } from './block-keys.ts';
import type { BlockRemoved, BlockStored } from './kv-event.ts';

declare const brand: unique symbol;
/** Dense number of one endpoint within an index; free numbers are used again. */
export type Holder = number & { readonly [brand]: 'Holder' };

/** What became of a stored event. `orphaned`: its parent is unknown; nothing was applied. */
export type StoreOutcome =
  | { readonly kind: 'stored'; readonly blocks: number; readonly duplicates: number }
  | { readonly kind: 'orphaned' }
  | { readonly kind: 'ignored'; readonly why: 'not-dense' | 'attention-kind' | 'unknown-placeholder' | 'malformed' };

/** Figures of one index. */
export interface IndexStats {
  /** Distinct blocks. */
  readonly blocks: number;
  /** (block, endpoint) pairs. */
  readonly pairs: number;
  readonly holders: number;
  /** Bytes of typed arrays, outside the JavaScript heap. */
  readonly bytes: number;
  /** Blocks dropped by the cap since the start. */
  readonly evictedBlocks: number;
}

/** Write side: `events` applies what engines report, in stream order. Synchronous, no I/O. */
export interface PrefixIndexWriter {
  /** Registers an endpoint with an empty cache. Throws `invalid-argument` when it is registered already. */
  addHolder(endpoint: EndpointId): Holder;
  /** Forgets an endpoint and its blocks. */
  removeHolder(holder: Holder): void;
  /** Applies a stored event; either all of its blocks or none. A hash stored n times is held until n removals. */
  store(holder: Holder, event: BlockStored): StoreOutcome;
  /** Applies a removal; returns how many engine keys were unknown. */
  remove(holder: Holder, event: BlockRemoved): number;
  /** Empties an endpoint's cache, all media; returns the blocks it held. */
  clear(holder: Holder): number;
}

/** Read side. */
export interface PrefixIndexReader {
  /**
   * Writes, for each holder number, the consecutive blocks from block 0 that it holds on any medium; 0 for others.
   * `into` must have at least `capacity` entries. O(blocks + set changes x holders), no allocation a block. Never throws.
   */
  match(keys: BlockKeys, into: Int32Array): void;
  /** Whether `holder` holds block number `block` of `keys`. O(1). */
  holds(holder: Holder, keys: BlockKeys, block: number): boolean;
  /** Block sizes held by at least one endpoint, ascending. */
  blockSizes(): readonly number[];
  /** Blocks `holder` holds. */
  blocksOf(holder: Holder): number;
  /** Largest holder number ever given out, plus 1. */
  readonly capacity: number;
  stats(): IndexStats;
}

/** In-memory prefix index: which endpoint holds which blocks. */
export interface PrefixIndex extends PrefixIndexWriter, PrefixIndexReader {}
