import type { BlockStore } from './block-store.ts';
import { ENTRY_COUNT, ENTRY_FIELDS, ENTRY_NODE } from './engine-key-table.ts';
import type { Shelf } from './shelf.ts';

/** Evicted nodes are looked for once they are more than this share of all nodes, and more than a fixed number. */
const EVICTED_SHARE = 1 / 8;
const EVICTED_NODES = 1024;

/** A walk over one shelf's entries, from the end of each array to its start. */
interface Pass {
  readonly shelf: Shelf;
  readonly arrays: readonly Int32Array[];
  array: number;
  offset: number;
}

const startPass = (shelf: Shelf): Pass => {
  const arrays = shelf.keys.arrays();
  return { shelf, arrays, array: 0, offset: arrays[0]?.length ?? 0 };
};

/** Calls `visit` for up to `limit` slots' entries; returns slots not used of the limit, above 0 when the pass is done. */
const advance = (pass: Pass, limit: number, visit: (entries: Int32Array, offset: number) => void): number => {
  for (let left = limit; left > 0; left -= 1) {
    if (pass.offset === 0) {
      pass.array += 1;
      pass.offset = pass.arrays[pass.array]?.length ?? 0;
    }
    const entries = pass.arrays[pass.array];
    if (entries === undefined) return left;
    pass.offset -= ENTRY_FIELDS;
    if (entries[pass.offset + ENTRY_COUNT] !== 0) visit(entries, pass.offset);
  }
  return 0;
};

/**
 * Gives memory back that a clear or the cap has only marked: dropping an endpoint's hundreds of thousands of blocks at
 * once would block the loop for tens of milliseconds. Works a little with each write.
 */
export class Sweeper {
  readonly #store: BlockStore;
  readonly #retired: Pass[] = [];
  #evictedPass: Pass | null = null;
  /** Shelves still to be looked through for evicted nodes. */
  #shelvesLeft: Shelf[] = [];

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** Whether blocks of retired shelves are still there. */
  get isSweepingRetired(): boolean {
    return this.#retired.length > 0;
  }

  get bytes(): number {
    return this.#retired.reduce((sum, { shelf }) => sum + shelf.keys.bytes, 0);
  }

  /** Hands over shelves that were retired and are not written to any more. */
  takeRetired(shelves: readonly Shelf[]): void {
    for (const shelf of shelves) this.#retired.push(startPass(shelf));
  }

  /** Looks at up to `entries` entries. */
  sweep(entries: number): void {
    let left = entries;
    while (left > 0) {
      const [pass] = this.#retired;
      if (pass === undefined) break;
      left = advance(pass, left, (array, offset) => this.#store.drop(array[offset + ENTRY_NODE] ?? 0, pass.shelf));
      if (left === 0) return;
      this.#store.shelves.forget(pass.shelf);
      this.#retired.shift();
    }
    if (left > 0) this.#sweepEvicted(left);
  }

  #sweepEvicted(entries: number): void {
    const { evictedNodes, nodes, shelves } = this.#store;
    if (this.#evictedPass === null) {
      if (evictedNodes <= EVICTED_NODES + nodes.live * EVICTED_SHARE) return;
      this.#shelvesLeft = [...shelves.liveShelves()];
    }
    let left = entries;
    while (left > 0) {
      this.#evictedPass ??= this.#nextEvictedPass();
      const pass = this.#evictedPass;
      if (pass === null) return;
      left = advance(pass, left, (array, offset) => this.#dropEvicted(pass.shelf, array, offset));
      if (left > 0) this.#evictedPass = null;
    }
  }

  #nextEvictedPass(): Pass | null {
    for (;;) {
      const shelf = this.#shelvesLeft.pop();
      if (shelf === undefined) return null;
      if (this.#store.shelves.live(shelf.id) === shelf) return startPass(shelf);
    }
  }

  /** Deletes an entry for an evicted node. The array may be an old one, so its word is checked against the table. */
  #dropEvicted(shelf: Shelf, array: Int32Array, offset: number): void {
    const lo = array[offset] ?? 0;
    const hi = array[offset + 1] ?? 0;
    if (!this.#store.nodes.isEvicted(array[offset + ENTRY_NODE] ?? 0)) return;
    if (this.#store.shelves.live(shelf.id) !== shelf) return;
    const node = shelf.keys.find(lo, hi);
    if (node === 0 || !this.#store.nodes.isEvicted(node)) return;
    shelf.keys.delete();
    shelf.owner.journal?.note(shelf, lo, hi);
    this.#store.drop(node, shelf);
  }
}
