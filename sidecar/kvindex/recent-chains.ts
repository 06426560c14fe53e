import type { BlockKeys } from './block-keys.ts';

const NONE = 0;
const SMALLEST = 64;

/** Fields of an entry, 16 bytes that lie together: its key, and its neighbours in the list. */
const LO = 0;
const HI = 1;
const NEWER = 2;
const OLDER = 3;
const FIELDS = 4;

/** Fields of a slot: an entry's number and the lower half of its key. */
const SLOT_ENTRY = 0;
const SLOT_LO = 1;
const SLOT_FIELDS = 2;

/**
 * Keys of the most recently used chains, up to a number of keys, in typed arrays: an open-addressing table of entry
 * numbers and a doubly linked list through the entries. Keys are chained, equal ones have equal keys before them, and
 * random. A key is always more recent than those behind it in its chain, and outlives them. Grows with use.
 */
export class RecentChains {
  readonly #maxKeys: number;
  #size = 0;
  /** Entries are numbered from 1; the list runs from `newest` to `oldest`. */
  #entries = new Int32Array((SMALLEST + 1) * FIELDS);
  #newest = NONE;
  #oldest = NONE;
  /**
   * Entry numbers by key, linear probing; a power of two at least half empty. Each with the key's lower half, so that most
   * probes look at no entry.
   */
  #slots = new Int32Array(SMALLEST * 2 * SLOT_FIELDS);
  /** First and last entry of each run of the chain at hand, one behind the other. */
  readonly #runs: number[] = [];
  /** Takes what preloading read, which would be optimized away otherwise. */
  readonly #preloaded = new Int32Array(1);

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get bytes(): number {
    return this.#entries.byteLength + this.#slots.byteLength;
  }

  /** Whether key number `key` of a chain is remembered, and so all before it. */
  knows({ lo, hi }: BlockKeys, key: number): boolean {
    return this.#entryAt(this.#find(lo[key] ?? 0, hi[key] ?? 0)) !== NONE;
  }

  /**
   * Makes the first keys of a chain the most recent, `maxKeys` of them at most; forgets the least recent where there are
   * too many. O(keys), of which those that were used together before are only read, one behind the other.
   */
  use(keys: BlockKeys): void {
    const count = Math.min(keys.count, this.#maxKeys);
    const known = this.#findRuns(keys, count);
    this.#preload(keys, known, count);
    const runs = this.#runs;
    let behind = runs.at(-1) ?? NONE;
    for (let at = runs.length - 2; at >= 0; at -= 2) this.#moveFirst(runs[at] ?? NONE, runs[at + 1] ?? NONE);
    for (let key = known; key < count; key += 1) {
      const entry = this.#newEntry(keys.lo[key] ?? 0, keys.hi[key] ?? 0);
      this.#linkBehind(behind, entry);
      behind = entry;
    }
  }

  /**
   * Finds the keys of a chain that are known, in runs that lie together in the list: one, and one more for each other chain
   * that begins alike and was used since. Returns their number.
   */
  #findRuns({ lo, hi }: BlockKeys, count: number): number {
    const runs = this.#runs;
    runs.length = 0;
    let key = 0;
    while (key < count) {
      let last = this.#entryAt(this.#find(lo[key] ?? 0, hi[key] ?? 0));
      if (last === NONE) break;
      runs.push(last);
      for (key += 1; key < count; key += 1) {
        const next = this.#read(last, OLDER);
        if (next === NONE || this.#read(next, LO) !== lo[key] || this.#read(next, HI) !== hi[key]) break;
        last = next;
      }
      runs.push(last);
    }
    return key;
  }

  /** Reads the slots of some keys from memory, many at once: they lie far apart, and looking each up waits for each. */
  #preload({ lo }: BlockKeys, from: number, to: number): void {
    const slots = this.#slots;
    const mask = slots.length / SLOT_FIELDS - 1;
    let read = 0;
    for (let key = from; key < to; key += 1) read |= slots[((lo[key] ?? 0) & mask) * SLOT_FIELDS] ?? 0;
    this.#preloaded[0] = read;
  }

  /** Slot that holds the key, or the empty one where it belongs. */
  #find(lo: number, hi: number): number {
    const mask = this.#slots.length / SLOT_FIELDS - 1;
    for (let slot = lo & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#entryAt(slot);
      if (entry === NONE || (this.#loAt(slot) === lo && this.#read(entry, HI) === hi)) return slot;
    }
  }

  /** An entry in no list, the oldest one where there is room for no more. */
  #newEntry(lo: number, hi: number): number {
    let entry = this.#oldest;
    if (this.#size === this.#maxKeys) {
      this.#unlink(entry, entry);
      this.#vacate(this.#find(this.#read(entry, LO), this.#read(entry, HI)));
    } else {
      if ((this.#size + 1) * FIELDS === this.#entries.length) this.#grow();
      this.#size += 1;
      entry = this.#size;
    }
    this.#write(entry, LO, lo);
    this.#write(entry, HI, hi);
    this.#fill(this.#find(lo, hi), entry, lo);
    return entry;
  }

  #moveFirst(first: number, last: number): void {
    if (first === this.#newest) return;
    this.#unlink(first, last);
    this.#join(last, this.#newest);
    this.#join(NONE, first);
  }

  #linkBehind(newer: number, entry: number): void {
    const older = newer === NONE ? this.#newest : this.#read(newer, OLDER);
    this.#join(newer, entry);
    this.#join(entry, older);
  }

  /** Takes a run out of the list. */
  #unlink(first: number, last: number): void {
    this.#join(this.#read(first, NEWER), this.#read(last, OLDER));
  }

  /** Makes two entries neighbours; none stands for the list's end. */
  #join(newer: number, older: number): void {
    if (newer === NONE) this.#newest = older;
    else this.#write(newer, OLDER, older);
    if (older === NONE) this.#oldest = newer;
    else this.#write(older, NEWER, newer);
  }

  /** Empties a slot and shifts back those behind it that could no longer be found. */
  #vacate(slot: number): void {
    const mask = this.#slots.length / SLOT_FIELDS - 1;
    let gap = slot;
    for (let at = (gap + 1) & mask; this.#entryAt(at) !== NONE; at = (at + 1) & mask) {
      const home = this.#loAt(at) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.#fill(gap, this.#entryAt(at), this.#loAt(at));
      gap = at;
    }
    this.#fill(gap, NONE, 0);
  }

  #grow(): void {
    const grown = new Int32Array(((this.#entries.length / FIELDS - 1) * 2 + 1) * FIELDS);
    grown.set(this.#entries);
    this.#entries = grown;
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let entry = 1; entry <= this.#size; entry += 1) {
      const lo = this.#read(entry, LO);
      this.#fill(this.#find(lo, this.#read(entry, HI)), entry, lo);
    }
  }

  #entryAt(slot: number): number {
    return this.#slots[slot * SLOT_FIELDS + SLOT_ENTRY] ?? NONE;
  }

  #loAt(slot: number): number {
    return this.#slots[slot * SLOT_FIELDS + SLOT_LO] ?? 0;
  }

  #fill(slot: number, entry: number, lo: number): void {
    this.#slots[slot * SLOT_FIELDS + SLOT_ENTRY] = entry;
    this.#slots[slot * SLOT_FIELDS + SLOT_LO] = lo;
  }

  #read(entry: number, field: number): number {
    return this.#entries[entry * FIELDS + field] ?? 0;
  }

  #write(entry: number, field: number, value: number): void {
    this.#entries[entry * FIELDS + field] = value;
  }
}
