import { PAGE_BITS, PAGE_MASK, type RecordPages } from './record-pages.ts';
import { homeOf, type Shard, ShardDirectory } from './shard-directory.ts';

/** Bits of a slot that hold the record's number; the others hold bits of its key, which spares reading most misses. */
const ID_BITS = 26;
const ID_MASK = (1 << ID_BITS) - 1;
/** Largest record number a table can hold. */
export const MAX_ID = ID_MASK;

/**
 * Finds records by a 64-bit key, which the records hold in their first two fields (lo, hi). Keys must be random in
 * both halves. Four bytes a slot; deletion shifts back, so there are no tombstones. Record 0 is never stored: 0 means
 * "none". O(1) each.
 */
export class IdTable {
  readonly #records: RecordPages;
  readonly #directory: ShardDirectory;
  /** Takes what {@link preload} read, which would be optimized away otherwise. */
  readonly #preloaded = new Int32Array(1);

  constructor(records: RecordPages) {
    this.#records = records;
    this.#directory = new ShardDirectory({
      width: 1,
      // Slots are small and moving reads every record, so there is room for twice the entries.
      growth: 2,
      isTaken: (slots, from) => slots[from] !== 0,
      hashAt: (slots, from) => records.get((slots[from] ?? 0) & ID_MASK, 1),
      move: (slots, from, shard) => {
        const id = (slots[from] ?? 0) & ID_MASK;
        return place(shard, id, records.get(id, 0));
      },
    });
  }

  get bytes(): number {
    return this.#directory.bytes;
  }

  /** Reads the places of the first `count` keys from memory, many at once; to be followed by finding each. */
  preload(keys: { readonly lo: Int32Array; readonly hi: Int32Array }, count: number): void {
    const { lo, hi } = keys;
    let read = 0;
    for (let at = 0; at < count; at += 1) {
      const { slots, homes } = this.#directory.at(hi[at] ?? 0);
      read |= slots[homeOf(lo[at] ?? 0, homes)] ?? 0;
    }
    this.#preloaded[0] = read;
  }

  /** Number of the record with this key, or 0. */
  find(lo: number, hi: number): number {
    const { slots, homes } = this.#directory.at(hi);
    const { pages, width } = this.#records;
    const tag = lo & 63;
    for (let at = homeOf(lo, homes); ; at += 1) {
      const slot = slots[at] ?? 0;
      if (slot === 0) return 0;
      if (slot >>> ID_BITS !== tag) continue;
      const id = slot & ID_MASK;
      const page = pages[id >>> PAGE_BITS];
      const offset = (id & PAGE_MASK) * width;
      if (page !== undefined && page[offset] === lo && page[offset + 1] === hi) return id;
    }
  }

  /** Adds a record that is not in the table yet. Its key must be in place. */
  insert(id: number): void {
    const lo = this.#records.get(id, 0);
    const hi = this.#records.get(id, 1);
    let shard = this.#directory.withRoom(hi);
    while (!place(shard, id, lo)) shard = this.#directory.makeRoom(hi);
    shard.entries += 1;
  }

  /** Takes a record out that is in the table. Its key must still be in place. */
  delete(id: number): void {
    const shard = this.#directory.at(this.#records.get(id, 1));
    const { slots, homes } = shard;
    let gap = homeOf(this.#records.get(id, 0), homes);
    while (((slots[gap] ?? id) & ID_MASK) !== id) gap += 1;
    for (let at = gap + 1; ; at += 1) {
      const slot = slots[at] ?? 0;
      if (slot === 0) break;
      if (homeOf(this.#records.get(slot & ID_MASK, 0), homes) > gap) continue;
      slots[gap] = slot;
      gap = at;
    }
    slots[gap] = 0;
    shard.entries -= 1;
  }
}

/** Writes an id at its home or behind it; false when only the last slot is left, which must stay empty. */
const place = ({ slots, homes }: Shard, id: number, lo: number): boolean => {
  let at = homeOf(lo, homes);
  while (slots[at] !== 0) at += 1;
  if (at >= slots.length - 1) return false;
  slots[at] = (lo << ID_BITS) | id;
  return true;
};
