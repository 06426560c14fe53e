import { PAGE_BITS, PAGE_MASK, type RecordPages } from './record-pages.ts';
import { homeOf, type Shard, ShardDirectory } from './shard-directory.ts';

/** Largest record number a table takes. */
export const MAX_ID = 2 ** 26 - 1;

/** Int32 fields of a slot: the lower half of a record's key, and the record's number; 0 where the slot is free. */
const SLOT_FIELDS = 2;
const SLOT_LO = 0;
const SLOT_ID = 1;

/** The first bits of the lower half choose the shard, those behind them the place in it. */
const homeIn = ({ homes, depth }: Shard, lo: number): number => homeOf(lo << depth, homes) * SLOT_FIELDS;

/**
 * Finds records by a 64-bit key, which the records hold in their first two fields (lo, hi). The lower halves must be
 * random. 8 bytes a slot, about 13 a record; records are read only where a lower half agrees, so that growing and
 * deleting look at none. Deletion shifts back: there are no tombstones. Record 0 is never stored: 0 means "none".
 * O(1) each.
 */
export class IdTable {
  readonly #records: RecordPages;
  readonly #directory = new ShardDirectory({
    width: SLOT_FIELDS,
    growth: 1.3,
    isTaken: (slots, from) => slots[from + SLOT_ID] !== 0,
    hashAt: (slots, from) => slots[from + SLOT_LO] ?? 0,
    move: (slots, from, shard) => place(shard, slots[from + SLOT_LO] ?? 0, slots[from + SLOT_ID] ?? 0),
  });
  /** Takes what {@link preload} read, which would be optimized away otherwise. */
  readonly #preloaded = new Int32Array(1);

  constructor(records: RecordPages) {
    this.#records = records;
  }

  get bytes(): number {
    return this.#directory.bytes;
  }

  /** Reads the places of the first `count` lower halves from memory, many at once; to be followed by finding each. */
  preload(lo: Int32Array, count: number): void {
    let read = 0;
    for (let at = 0; at < count; at += 1) {
      const shard = this.#directory.at(lo[at] ?? 0);
      read |= shard.slots[homeIn(shard, lo[at] ?? 0)] ?? 0;
    }
    this.#preloaded[0] = read;
  }

  /** Number of the record with this key, or 0. */
  find(lo: number, hi: number): number {
    const shard = this.#directory.at(lo);
    const { slots } = shard;
    const { pages, width } = this.#records;
    for (let at = homeIn(shard, lo); ; at += SLOT_FIELDS) {
      const id = slots[at + SLOT_ID] ?? 0;
      if (id === 0) return 0;
      if (slots[at] === lo && pages[id >>> PAGE_BITS]?.[(id & PAGE_MASK) * width + 1] === hi) return id;
    }
  }

  /** Adds a record that is not in the table yet. Its key must be in place. */
  insert(id: number): void {
    const lo = this.#records.get(id, 0);
    let shard = this.#directory.withRoom(lo);
    while (!place(shard, lo, id)) shard = this.#directory.makeRoom(lo);
    shard.entries += 1;
  }

  /** Takes a record out that is in the table. Its key must still be in place. */
  delete(id: number): void {
    const lo = this.#records.get(id, 0);
    const shard = this.#directory.at(lo);
    const { slots } = shard;
    let gap = homeIn(shard, lo);
    while (slots[gap + SLOT_ID] !== id) gap += SLOT_FIELDS;
    for (let at = gap + SLOT_FIELDS; slots[at + SLOT_ID] !== 0; at += SLOT_FIELDS) {
      const follower = slots[at] ?? 0;
      if (homeIn(shard, follower) > gap) continue;
      slots[gap] = follower;
      slots[gap + SLOT_ID] = slots[at + SLOT_ID] ?? 0;
      gap = at;
    }
    slots[gap] = 0;
    slots[gap + SLOT_ID] = 0;
    shard.entries -= 1;
  }
}

/** Writes a slot at its home or behind it; false when only the last slot is left, which must stay empty. */
const place = (shard: Shard, lo: number, id: number): boolean => {
  const { slots } = shard;
  let at = homeIn(shard, lo);
  while (slots[at + SLOT_ID] !== 0) at += SLOT_FIELDS;
  if (at >= slots.length - SLOT_FIELDS) return false;
  slots[at] = lo;
  slots[at + SLOT_ID] = id;
  return true;
};
