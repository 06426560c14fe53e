const NONE = 0;
const SMALLEST = 64;

/**
 * The most recently used 64-bit keys, up to a number of them, in typed arrays: an open-addressing table of entry
 * numbers and a doubly linked list through the entries. Keys must be random. Grows with use. O(1) each.
 */
export class RecentKeys {
  readonly #maxKeys: number;
  #size = 0;
  /** Entries are numbered from 1; the list runs from `first` (most recent) to `last`. */
  #lo = new Int32Array(SMALLEST + 1);
  #hi = new Int32Array(SMALLEST + 1);
  #before = new Int32Array(SMALLEST + 1);
  #after = new Int32Array(SMALLEST + 1);
  #first = NONE;
  #last = NONE;
  /** Entry numbers by key, linear probing; a power of two at least half empty. */
  #slots = new Int32Array(SMALLEST * 2);

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get bytes(): number {
    return 4 * this.#lo.byteLength + this.#slots.byteLength;
  }

  has(lo: number, hi: number): boolean {
    return this.#slots[this.#find(lo, hi)] !== NONE;
  }

  /** Makes a key the most recent; forgets the least recent where there are too many. */
  use(lo: number, hi: number): void {
    let entry = this.#slots[this.#find(lo, hi)] ?? NONE;
    if (entry === NONE) {
      entry = this.#newEntry();
      this.#lo[entry] = lo;
      this.#hi[entry] = hi;
      this.#slots[this.#find(lo, hi)] = entry;
    } else {
      if (entry === this.#first) return;
      this.#unlink(entry);
    }
    this.#linkFirst(entry);
  }

  /** Slot that holds the key, or the empty one where it belongs. */
  #find(lo: number, hi: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = lo & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] ?? NONE;
      if (entry === NONE || (this.#lo[entry] === lo && this.#hi[entry] === hi)) return slot;
    }
  }

  #newEntry(): number {
    if (this.#size === this.#maxKeys) {
      const entry = this.#last;
      this.#unlink(entry);
      this.#vacate(this.#find(this.#lo[entry] ?? 0, this.#hi[entry] ?? 0));
      return entry;
    }
    this.#size += 1;
    if (this.#size === this.#lo.length) this.#grow();
    return this.#size;
  }

  #unlink(entry: number): void {
    const before = this.#before[entry] ?? NONE;
    const after = this.#after[entry] ?? NONE;
    if (before === NONE) this.#first = after;
    else this.#after[before] = after;
    if (after === NONE) this.#last = before;
    else this.#before[after] = before;
  }

  #linkFirst(entry: number): void {
    this.#before[entry] = NONE;
    this.#after[entry] = this.#first;
    if (this.#first === NONE) this.#last = entry;
    else this.#before[this.#first] = entry;
    this.#first = entry;
  }

  /** Empties a slot and shifts back those behind it that could no longer be found. */
  #vacate(slot: number): void {
    const mask = this.#slots.length - 1;
    let gap = slot;
    for (let at = (gap + 1) & mask; this.#slots[at] !== NONE; at = (at + 1) & mask) {
      const home = (this.#lo[this.#slots[at] ?? NONE] ?? 0) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.#slots[gap] = this.#slots[at] ?? NONE;
      gap = at;
    }
    this.#slots[gap] = NONE;
  }

  #grow(): void {
    const length = (this.#lo.length - 1) * 2 + 1;
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(length);
      array.set(old);
      return array;
    };
    this.#lo = grown(this.#lo);
    this.#hi = grown(this.#hi);
    this.#before = grown(this.#before);
    this.#after = grown(this.#after);
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let entry = 1; entry < this.#size; entry += 1) {
      this.#slots[this.#find(this.#lo[entry] ?? 0, this.#hi[entry] ?? 0)] = entry;
    }
  }
}
