import type { BlockKeys } from './block-keys.ts';
import type { Holder } from './port.ts';

const { min } = Math;

declare const brand: unique symbol;
/** Names one booking of a {@link SpeculativeIndex}. */
type SpeculativeHandle = number & { readonly [brand]: 'SpeculativeHandle' };

/**
 * Blocks that own decisions will bring into caches, until events say so: a burst of requests with one prefix finds the
 * endpoint that the first of them was sent to. Holder numbers are those of the prefix index.
 */
export interface SpeculativeIndex {
  /** Books a prompt's blocks for a holder; the keys must stay as they are until it is released. */
  book(holder: Holder, keys: BlockKeys): SpeculativeHandle;
  /** Ends one booking; equal bookings stay. Does nothing for one that has ended. */
  release(handle: SpeculativeHandle): void;
  /** Ends every booking of a holder, as when its cache is cleared or it is gone. */
  drop(holder: Holder): void;
  /**
   * Writes, for each holder number below `into.length`, the most blocks from block 0 that `keys` shares with one of its
   * bookings; 0 for others. O(bookings + holders x log blocks), since keys are chained: equal keys mean equal prefixes.
   */
  match(keys: BlockKeys, into: Int32Array): void;
  /** Bookings that have not ended. */
  readonly bookings: number;
}

/** A booked chain; requests for the same prompt on the same holder share one. */
interface Chain {
  readonly holder: Holder;
  readonly keys: BlockKeys;
  bookings: number;
}

const sharesBlock = (a: BlockKeys, b: BlockKeys, block: number): boolean =>
  a.lo[block] === b.lo[block] && a.hi[block] === b.hi[block];

/** Blocks that two chains share from block 0, known to be more than `known`. */
const sharedBlocks = (a: BlockKeys, b: BlockKeys, known: number): number => {
  let shared = known + 1;
  let different = min(a.count, b.count) + 1;
  while (different - shared > 1) {
    const middle = (shared + different) >>> 1;
    if (sharesBlock(a, b, middle - 1)) shared = middle;
    else different = middle;
  }
  return shared;
};

const areEqual = (a: BlockKeys, b: BlockKeys): boolean => a.count === b.count && sharesBlock(a, b, a.count - 1);

/** First blocks by one number; different ones may have the same. */
const bucketOf = (keys: BlockKeys): number => keys.lo[0] ?? 0;

/** An empty speculative index. */
export const createSpeculativeIndex = (): SpeculativeIndex => {
  /** Chains by their first block: a prompt only looks at those that begin as it does. */
  const buckets = new Map<number, Chain[]>();
  const chains = new Map<SpeculativeHandle, Chain>();
  let lastHandle = 0;

  const forget = (chain: Chain): void => {
    const bucket = buckets.get(bucketOf(chain.keys)) ?? [];
    const others = bucket.filter((other) => other !== chain);
    if (others.length === 0) buckets.delete(bucketOf(chain.keys));
    else buckets.set(bucketOf(chain.keys), others);
  };

  const chainFor = (holder: Holder, keys: BlockKeys): Chain => {
    const bucket = buckets.get(bucketOf(keys)) ?? [];
    const known = bucket.find((chain) => chain.holder === holder && areEqual(chain.keys, keys));
    if (known !== undefined) return known;
    const chain: Chain = { holder, keys, bookings: 0 };
    bucket.push(chain);
    buckets.set(bucketOf(keys), bucket);
    return chain;
  };

  return {
    book: (holder, keys) => {
      lastHandle += 1;
      const handle = lastHandle as SpeculativeHandle; // the brand's constructor
      if (keys.count > 0) {
        const chain = chainFor(holder, keys);
        chain.bookings += 1;
        chains.set(handle, chain);
      }
      return handle;
    },
    release: (handle) => {
      const chain = chains.get(handle);
      if (chain === undefined) return;
      chains.delete(handle);
      chain.bookings -= 1;
      if (chain.bookings === 0) forget(chain);
    },
    drop: (holder) => {
      for (const [handle, chain] of chains) {
        if (chain.holder !== holder) continue;
        chains.delete(handle);
        forget(chain);
      }
    },
    match: (keys, into) => {
      into.fill(0);
      if (keys.count === 0) return;
      for (const chain of buckets.get(bucketOf(keys)) ?? []) {
        const { holder } = chain;
        const best = into[holder] ?? 0;
        if (holder >= into.length || best >= min(keys.count, chain.keys.count)) continue;
        if (sharesBlock(keys, chain.keys, best)) into[holder] = sharedBlocks(keys, chain.keys, best);
      }
    },
    get bookings() {
      return chains.size;
    },
  };
};
