import type { BlockKeys } from './block-keys.ts';
import type { Holder } from './port.ts';

/**
 * Blocks `start` to `end` of a prompt's keys, on which whoever holds any of them holds all: below it prompts part or end.
 * `holders` has how many bookings of each pass through it or end with it.
 */
export interface BookingNode {
  parent: BookingNode | null;
  readonly keys: BlockKeys;
  start: number;
  readonly end: number;
  readonly holders: Map<Holder, number>;
  readonly children: Map<number, BookingNode>;
}

/** 53 bits of a key. */
const shortKey = ({ lo, hi }: BlockKeys, block: number): number =>
  ((lo[block] ?? 0) >>> 0) * 2 ** 21 + ((hi[block] ?? 0) >>> 11);

/** The first block from `from` to `to` in which two prompts differ, else `to`. Keys are chained: beyond it all differ. */
const firstDifference = (a: BlockKeys, b: BlockKeys, from: number, to: number): number => {
  let same = from;
  let different = to;
  while (same < different) {
    const middle = (same + different) >>> 1;
    if (a.lo[middle] === b.lo[middle] && a.hi[middle] === b.hi[middle]) same = middle + 1;
    else different = middle;
  }
  return same;
};

/**
 * Prompts that are booked on holders, as a tree of what they share. Prompts of equal block size only are compared; keys of
 * different sizes never match. The cost of each operation grows with the branches on a prompt's way, not with the bookings.
 */
export class BookingTree {
  readonly #roots = new Map<number, BookingNode>();

  /**
   * Books a prompt of at least one block; the node at which it ends, for {@link release}. Null where its key cannot be told
   * from another's by 53 bits, so that it is not booked.
   */
  book(holder: Holder, keys: BlockKeys): BookingNode | null {
    const node = this.#place(keys);
    for (let at = node; at !== null; at = at.parent) at.holders.set(holder, (at.holders.get(holder) ?? 0) + 1);
    return node;
  }

  /** Ends one booking that ends at a node. */
  release(holder: Holder, node: BookingNode): void {
    for (let at: BookingNode | null = node; at !== null; at = at.parent) {
      const bookings = at.holders.get(holder) ?? 0;
      if (bookings > 1) at.holders.set(holder, bookings - 1);
      else at.holders.delete(holder);
      if (at.holders.size === 0) this.#siblings(at.parent).delete(shortKey(at.keys, at.start));
    }
  }

  /** Writes for each holder below `into.length` with a booking that begins as `keys` do how many blocks they share at most. */
  match(keys: BlockKeys, into: Int32Array): void {
    let siblings = this.#roots;
    for (let block = 0; block < keys.count; ) {
      const node = siblings.get(shortKey(keys, block));
      if (node === undefined) return;
      const end = firstDifference(keys, node.keys, block, Math.min(keys.count, node.end));
      if (end === block) return;
      for (const holder of node.holders.keys()) if (holder < into.length) into[holder] = end;
      if (end < node.end) return;
      block = end;
      siblings = node.children;
    }
  }

  /** The node that ends where a prompt does, made and split off as needed. */
  #place(keys: BlockKeys): BookingNode | null {
    let parent: BookingNode | null = null;
    for (let block = 0; ; ) {
      const siblings = this.#siblings(parent);
      const known = siblings.get(shortKey(keys, block));
      if (known === undefined) {
        const { count } = keys;
        const node = { parent, keys, start: block, end: count, holders: new Map(), children: new Map() };
        siblings.set(shortKey(keys, block), node);
        return node;
      }
      const end = firstDifference(keys, known.keys, block, Math.min(keys.count, known.end));
      if (end === block) return null;
      const node: BookingNode = end < known.end ? this.#split(known, end) : known;
      if (end === keys.count) return node;
      parent = node;
      block = end;
    }
  }

  /** Parts a node in two at a block; the new one is the upper, so that bookings that end at the node still do. */
  #split(node: BookingNode, at: number): BookingNode {
    const { parent, keys, start } = node;
    const upper: BookingNode = { parent, keys, start, end: at, holders: new Map(node.holders), children: new Map() };
    this.#siblings(parent).set(shortKey(keys, start), upper);
    node.parent = upper;
    node.start = at;
    upper.children.set(shortKey(keys, at), node);
    return upper;
  }

  #siblings(parent: BookingNode | null): Map<number, BookingNode> {
    return parent === null ? this.#roots : parent.children;
  }
}
