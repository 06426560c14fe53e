import { hashText } from './text-hash.ts';

const idBytes = 4;
const ways = 4;
/** Int32 a slot: four of hash, the entry's number of ids, and where they start as two halves of a 52-bit position. */
const slotInts = 7;
const positionUnit = 2 ** 26;
/** Ids an entry is reckoned with where the table is sized. */
const expectedIds = 64;
const firstIds = 1 << 14;

/** Largest power of two not above `value`, at least 1. */
const powerOfTwo = (value: number): number => 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, value))));

/**
 * Token ids of texts, by a 128-bit hash of the text. Ids lie in one ring of memory, so that the oldest give way to the
 * newest; the texts themselves are not kept. Memory grows with use up to `maxBytes` of ids and a quarter as much again.
 */
export class TokenCache {
  readonly #maxIds: number;
  readonly #sets: number;
  readonly #slots: Int32Array;
  readonly #hash = new Int32Array(4);
  #ring: Int32Array;
  /** Ids written since the start; an entry lives while its position is less than a ring behind. */
  #written = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: { readonly maxBytes: number }) {
    this.#maxIds = powerOfTwo(options.maxBytes / idBytes);
    this.#sets = Math.max(1, powerOfTwo(this.#maxIds / expectedIds / ways));
    this.#slots = new Int32Array(this.#sets * ways * slotInts);
    this.#ring = new Int32Array(Math.min(firstIds, this.#maxIds));
  }

  /** Lookups that found their text, and that did not. */
  get counts(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  /** A copy of the ids of a text, null where they are not known. O(text). */
  get(text: string): Int32Array | null {
    hashText(text, this.#hash);
    const slot = this.#find();
    if (slot < 0) {
      this.#misses++;
      return null;
    }
    this.#hits++;
    const start = this.#position(slot) % this.#ring.length;
    return this.#ring.slice(start, start + this.#at(slot + 4));
  }

  /** Keeps the ids of a text; longer ones than a quarter of the ring are not kept. */
  set(text: string, ids: Int32Array): void {
    if (ids.length > this.#maxIds / 4) return;
    hashText(text, this.#hash);
    this.#makeRoom(ids.length);
    const start = this.#written % this.#ring.length;
    this.#ring.set(ids, start);
    const slot = this.#slotFor();
    this.#slots.set(this.#hash, slot);
    this.#slots[slot + 4] = ids.length;
    this.#slots[slot + 5] = Math.floor(this.#written / positionUnit);
    this.#slots[slot + 6] = this.#written % positionUnit;
    this.#written += ids.length;
  }

  #at(index: number): number {
    return this.#slots[index] ?? 0;
  }

  #position(slot: number): number {
    return this.#at(slot + 5) * positionUnit + this.#at(slot + 6);
  }

  #isLive(slot: number): boolean {
    return this.#at(slot + 4) > 0 && this.#position(slot) + this.#ring.length >= this.#written;
  }

  #firstSlot(): number {
    return ((this.#hash[0] ?? 0) & (this.#sets - 1)) * ways * slotInts;
  }

  #find(): number {
    const first = this.#firstSlot();
    for (let slot = first; slot < first + ways * slotInts; slot += slotInts) {
      let part = 0;
      while (part < 4 && this.#at(slot + part) === this.#hash[part]) part++;
      if (part === 4 && this.#isLive(slot)) return slot;
    }
    return -1;
  }

  /** The text's slot, else a free one of its set, else the one whose ids are oldest. */
  #slotFor(): number {
    const known = this.#find();
    if (known >= 0) return known;
    const first = this.#firstSlot();
    let oldest = first;
    for (let slot = first; slot < first + ways * slotInts; slot += slotInts) {
      if (!this.#isLive(slot)) return slot;
      if (this.#position(slot) < this.#position(oldest)) oldest = slot;
    }
    return oldest;
  }

  /** Grows the ring while it may, and skips its end where the ids would not lie in one piece. */
  #makeRoom(count: number): void {
    while (this.#written + count > this.#ring.length && this.#ring.length < this.#maxIds) {
      const larger = new Int32Array(Math.min(this.#maxIds, this.#ring.length * 2));
      larger.set(this.#ring);
      this.#ring = larger;
    }
    const left = this.#ring.length - (this.#written % this.#ring.length);
    if (left < count) this.#written += left;
  }
}
