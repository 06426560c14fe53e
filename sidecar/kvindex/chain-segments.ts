import type { BlockKeys } from './block-keys.ts';

/** No segment. */
export const NONE = 0;

/** Keys of a segment at most. */
const MOST_KEYS = 32;
/** Int32 words of a segment's keys: lo and hi of each. */
const KEY_WORDS = MOST_KEYS * 2;
const FEWEST_SEGMENTS = 16;

/** Fields of a slot: a segment's number, 0 where the slot is free, and the lower half of its first key. */
const SLOT_SEGMENT = 0;
const SLOT_LO = 1;
const SLOT_FIELDS = 2;

/**
 * Pieces of chains of keys: up to 32 keys that follow one another, found by the first of them. A chain is read piece by
 * piece, so that long ones take a few look-ups. Keys are chained (equal ones have equal keys before them) and random.
 * About 280 bytes a segment, in typed arrays that grow with use.
 */
export class ChainSegments {
  /** Segments are numbered from 1. */
  #keys = new Int32Array((FEWEST_SEGMENTS + 1) * KEY_WORDS);
  #counts = new Uint8Array(FEWEST_SEGMENTS + 1);
  /** Linear probing; a power of two at least half empty. */
  #slots = new Int32Array(FEWEST_SEGMENTS * 2 * SLOT_FIELDS);
  readonly #free: number[] = [];
  #highest = 0;

  /** Segments in use. */
  get size(): number {
    return this.#highest - this.#free.length;
  }

  /** Segments that there is room for before the arrays grow. */
  get capacity(): number {
    return this.#counts.length - 1;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#counts.byteLength + this.#slots.byteLength;
  }

  /** Keys of a segment. */
  count(segment: number): number {
    return this.#counts[segment] ?? 0;
  }

  /** The segment that begins with key number `key` of a chain; {@link NONE} where there is none. */
  find({ lo, hi }: BlockKeys, key: number): number {
    return this.#segmentAt(this.#slotOf(lo[key] ?? 0, hi[key] ?? 0));
  }

  /** How many keys of a chain from number `from` to before `to` a segment has that begins with the first of them. */
  shared(segment: number, keys: BlockKeys, range: { readonly from: number; readonly to: number }): number {
    const { from, to } = range;
    const most = Math.min(this.count(segment), to - from);
    // Mostly all of them; where the last is the same, so are those before it.
    if (this.#has(segment, most - 1, { keys, key: from + most - 1 })) return most;
    let same = 1;
    let different = most;
    while (different - same > 1) {
      const middle = (same + different) >>> 1;
      if (this.#has(segment, middle - 1, { keys, key: from + middle - 1 })) same = middle;
      else different = middle;
    }
    return same;
  }

  /** A new segment of as many keys from number `from` to before `to` as it can have. */
  add(keys: BlockKeys, range: { readonly from: number; readonly to: number }): number {
    const segment = this.#take();
    this.extend(segment, keys, range);
    this.#enter(segment);
    return segment;
  }

  /** Appends to a segment as many keys from number `from` to before `to` as there is room for; returns how many. */
  extend(segment: number, { lo, hi }: BlockKeys, { from, to }: { readonly from: number; readonly to: number }): number {
    const had = this.count(segment);
    const added = Math.min(MOST_KEYS - had, to - from);
    const keys = this.#keys;
    let at = segment * KEY_WORDS + had * 2;
    for (let key = from; key < from + added; key += 1, at += 2) {
      keys[at] = lo[key] ?? 0;
      keys[at + 1] = hi[key] ?? 0;
    }
    this.#counts[segment] = had + added;
    return added;
  }

  /** Parts a segment in two before its key number `at`, 1 to before its count; returns the new one that has the rest. */
  split(segment: number, at: number): number {
    const rest = this.#take();
    const from = segment * KEY_WORDS;
    this.#keys.copyWithin(rest * KEY_WORDS, from + at * 2, from + this.count(segment) * 2);
    this.#counts[rest] = this.count(segment) - at;
    this.#counts[segment] = at;
    this.#enter(rest);
    return rest;
  }

  /** Takes keys off a segment's end; one that has none left is gone. */
  shorten(segment: number, by: number): void {
    const left = this.count(segment) - by;
    if (left === 0) {
      this.#vacate(this.#slotOf(this.#keys[segment * KEY_WORDS] ?? 0, this.#keys[segment * KEY_WORDS + 1] ?? 0));
      this.#free.push(segment);
    }
    this.#counts[segment] = left;
  }

  #has(segment: number, at: number, other: { readonly keys: BlockKeys; readonly key: number }): boolean {
    const place = segment * KEY_WORDS + at * 2;
    const { keys, key } = other;
    return this.#keys[place] === keys.lo[key] && this.#keys[place + 1] === keys.hi[key];
  }

  #take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#highest === this.capacity) this.#grow();
    this.#highest += 1;
    return this.#highest;
  }

  #grow(): void {
    const segments = this.capacity * 2;
    const keys = new Int32Array((segments + 1) * KEY_WORDS);
    keys.set(this.#keys);
    this.#keys = keys;
    const counts = new Uint8Array(segments + 1);
    counts.set(this.#counts);
    this.#counts = counts;
    this.#slots = new Int32Array(segments * 2 * SLOT_FIELDS);
    for (let segment = 1; segment <= this.#highest; segment += 1) if (this.count(segment) > 0) this.#enter(segment);
  }

  /** Makes a segment found by its first key. */
  #enter(segment: number): void {
    const lo = this.#keys[segment * KEY_WORDS] ?? 0;
    this.#fill(this.#slotOf(lo, this.#keys[segment * KEY_WORDS + 1] ?? 0), segment, lo);
  }

  /** Slot of the segment that begins with a key, or the free one where it belongs. */
  #slotOf(lo: number, hi: number): number {
    const mask = this.#slots.length / SLOT_FIELDS - 1;
    for (let slot = lo & mask; ; slot = (slot + 1) & mask) {
      const segment = this.#segmentAt(slot);
      if (segment === NONE || (this.#loAt(slot) === lo && this.#keys[segment * KEY_WORDS + 1] === hi)) return slot;
    }
  }

  /** Empties a slot and shifts back those behind it that could no longer be found. */
  #vacate(slot: number): void {
    const mask = this.#slots.length / SLOT_FIELDS - 1;
    let gap = slot;
    for (let at = (gap + 1) & mask; this.#segmentAt(at) !== NONE; at = (at + 1) & mask) {
      const home = this.#loAt(at) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.#fill(gap, this.#segmentAt(at), this.#loAt(at));
      gap = at;
    }
    this.#fill(gap, NONE, 0);
  }

  #segmentAt(slot: number): number {
    return this.#slots[slot * SLOT_FIELDS + SLOT_SEGMENT] ?? NONE;
  }

  #loAt(slot: number): number {
    return this.#slots[slot * SLOT_FIELDS + SLOT_LO] ?? 0;
  }

  #fill(slot: number, segment: number, lo: number): void {
    this.#slots[slot * SLOT_FIELDS + SLOT_SEGMENT] = segment;
    this.#slots[slot * SLOT_FIELDS + SLOT_LO] = lo;
  }
}
