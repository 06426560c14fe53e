/** Longest word kept inline, in bytes. */
export const SHORT_WORD_BYTES = 16;
/** Words of 32 bits an entry: four of key, `ids << 5 | bytes`, two ids, third id or where further ids begin. */
const ENTRY = 8;
const META = 4;
const IDS = 5;
const REST = 7;
/** Ids kept in the entry itself. */
const INLINE_IDS = 3;

/** Masks of the key's four words by word length in bytes. */
const keyMasks = (() => {
  const masks = new Int32Array((SHORT_WORD_BYTES + 1) * 4);
  for (let length = 0; length <= SHORT_WORD_BYTES; length += 1) {
    for (let word = 0; word < 4; word += 1) {
      const bytes = Math.min(4, Math.max(0, length - word * 4));
      masks[length * 4 + word] = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
    }
  }
  return masks;
})();

/**
 * Remembers the token ids of words of up to 16 bytes: open addressing with the word itself as key, so that a hit is one
 * or two cache lines and never wrong. Bounded; when full it starts anew. Positions are of a view with 16 readable bytes
 * after every word.
 */
export class ShortWordCache {
  readonly #entries: Int32Array;
  readonly #slotMask: number;
  readonly #maxWords: number;
  readonly #rest: Int32Array;
  #words = 0;
  #restLength = 0;

  /** @param bits Entries are 2^bits of 32 bytes each, of which seven tenths are used. */
  constructor(bits: number) {
    this.#entries = new Int32Array(ENTRY << bits);
    this.#slotMask = (1 << bits) - 1;
    this.#maxWords = Math.floor(0.7 * (1 << bits));
    this.#rest = new Int32Array(4 << bits);
  }

  /** Words held. */
  get size(): number {
    return this.#words;
  }

  /**
   * Writes the word's ids to `output` from `count` on, where up to 16 entries must be free, and returns the count after
   * them; -1 where the word is not known.
   */
  find(view: DataView, start: number, length: number, output: Int32Array, count: number): number {
    const masks = length * 4;
    const a = view.getInt32(start, true) & (keyMasks[masks] ?? 0);
    const b = view.getInt32(start + 4, true) & (keyMasks[masks + 1] ?? 0);
    const c = view.getInt32(start + 8, true) & (keyMasks[masks + 2] ?? 0);
    const d = view.getInt32(start + 12, true) & (keyMasks[masks + 3] ?? 0);
    const entries = this.#entries;
    for (let slot = hashWord(a, b, c, d, length) & this.#slotMask; ; slot = (slot + 1) & this.#slotMask) {
      const at = slot * ENTRY;
      const meta = entries[at + META] ?? 0;
      if (meta === 0) return -1;
      if (
        entries[at] !== a ||
        (meta & 31) !== length ||
        entries[at + 1] !== b ||
        entries[at + 2] !== c ||
        entries[at + 3] !== d
      ) {
        continue;
      }
      const ids = meta >>> 5;
      output[count] = entries[at + IDS] ?? 0;
      if (ids === 1) return count + 1;
      output[count + 1] = entries[at + IDS + 1] ?? 0;
      if (ids <= INLINE_IDS) output[count + 2] = entries[at + REST] ?? 0;
      else this.#copyRest(entries[at + REST] ?? 0, output, count + 2, ids - 2);
      return count + ids;
    }
  }

  /** Remembers `output[from, from + ids)` as the ids of a word that {@link find} did not know. */
  insert(view: DataView, start: number, length: number, output: Int32Array, from: number, ids: number): void {
    if (this.#words >= this.#maxWords || this.#restLength + SHORT_WORD_BYTES > this.#rest.length) this.clear();
    const masks = length * 4;
    const a = view.getInt32(start, true) & (keyMasks[masks] ?? 0);
    const b = view.getInt32(start + 4, true) & (keyMasks[masks + 1] ?? 0);
    const c = view.getInt32(start + 8, true) & (keyMasks[masks + 2] ?? 0);
    const d = view.getInt32(start + 12, true) & (keyMasks[masks + 3] ?? 0);
    const entries = this.#entries;
    let slot = hashWord(a, b, c, d, length) & this.#slotMask;
    while (entries[slot * ENTRY + META] !== 0) slot = (slot + 1) & this.#slotMask;
    const at = slot * ENTRY;
    entries[at] = a;
    entries[at + 1] = b;
    entries[at + 2] = c;
    entries[at + 3] = d;
    entries[at + META] = (ids << 5) | length;
    entries[at + IDS] = output[from] ?? 0;
    if (ids > 1) entries[at + IDS + 1] = output[from + 1] ?? 0;
    if (ids === INLINE_IDS) entries[at + REST] = output[from + 2] ?? 0;
    else if (ids > INLINE_IDS) {
      entries[at + REST] = this.#restLength;
      this.#rest.set(output.subarray(from + 2, from + ids), this.#restLength);
      this.#restLength += ids - 2;
    }
    this.#words += 1;
  }

  /** Forgets every word. */
  clear(): void {
    this.#entries.fill(0);
    this.#words = 0;
    this.#restLength = 0;
  }

  #copyRest(from: number, output: Int32Array, to: number, ids: number): void {
    for (let at = 0; at < ids; at += 1) output[to + at] = this.#rest[from + at] ?? 0;
  }
}

const hashWord = (a: number, b: number, c: number, d: number, length: number): number => {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + length, 0x85ebca77);
  hash ^= hash >>> 15;
  if (length > 8) {
    hash = Math.imul(hash ^ c, 0xc2b2ae3d) ^ Math.imul(d, 0x27d4eb2f);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 16);
};
