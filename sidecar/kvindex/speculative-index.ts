import type { BlockKeys } from './block-keys.ts';
import { type BookingNode, BookingTree } from './booking-tree.ts';
import type { Holder } from './port.ts';

declare const brand: unique symbol;
/** Names one booking of a {@link SpeculativeIndex}. */
type SpeculativeHandle = number & { readonly [brand]: 'SpeculativeHandle' };

/**
 * Blocks that own decisions will bring into caches, until events say so: a burst of requests with one prefix finds the
 * endpoint that the first of them was sent to. Holder numbers are those of the prefix index.
 */
export interface SpeculativeIndex {
  /** Books a prompt's blocks for a holder; the keys must never change, and may be kept after it ends. */
  book(holder: Holder, keys: BlockKeys): SpeculativeHandle;
  /** Ends one booking; equal bookings stay. Does nothing for one that has ended. */
  release(handle: SpeculativeHandle): void;
  /** Ends every booking of a holder, as when its cache is cleared or it is gone. */
  drop(holder: Holder): void;
  /**
   * Writes, for each holder number below `into.length`, the most blocks from block 0 that `keys` shares with one of its
   * bookings; 0 for others. O(branches on its way x (log blocks + holders)).
   */
  match(keys: BlockKeys, into: Int32Array): void;
  /** Bookings that have not ended. */
  readonly bookings: number;
}

interface Booking {
  readonly holder: Holder;
  readonly node: BookingNode;
}

/** An empty speculative index. */
export const createSpeculativeIndex = (): SpeculativeIndex => {
  const tree = new BookingTree();
  const bookings = new Map<SpeculativeHandle, Booking>();
  let lastHandle = 0;

  const release = (handle: SpeculativeHandle): void => {
    const booking = bookings.get(handle);
    if (booking === undefined) return;
    bookings.delete(handle);
    tree.release(booking.holder, booking.node);
  };

  return {
    book: (holder, keys) => {
      lastHandle += 1;
      const handle = lastHandle as SpeculativeHandle; // the brand's constructor
      const node = keys.count > 0 ? tree.book(holder, keys) : null;
      if (node !== null) bookings.set(handle, { holder, node });
      return handle;
    },
    release,
    drop: (holder) => {
      for (const [handle, booking] of bookings) if (booking.holder === holder) release(handle);
    },
    match: (keys, into) => {
      into.fill(0);
      tree.match(keys, into);
    },
    get bookings() {
      return bookings.size;
    },
  };
};
