/** Words of 32 bits an entry: hash, where the key begins, its length, value. */
const ENTRY = 4;

/**
 * Byte strings → 32-bit values: open addressing, keys compared in full. Bounded by entries and by bytes of all keys; the
 * owner asks {@link hasRoomFor} and clears.
 */
export class ByteKeyTable {
  readonly #entries: Int32Array;
  readonly #keys: Uint8Array;
  readonly #slotMask: number;
  #size = 0;
  #keysLength = 0;

  /** @param bits 2^bits entries of 16 bytes, of which seven tenths are used. @param keyBytes Bytes of all keys. */
  constructor(bits: number, keyBytes: number) {
    this.#entries = new Int32Array(ENTRY << bits);
    this.#keys = new Uint8Array(keyBytes);
    this.#slotMask = (1 << bits) - 1;
  }

  /** Keys held. */
  get size(): number {
    return this.#size;
  }

  /** All keys, one after another, in the order in which they were inserted. */
  get keys(): Uint8Array {
    return this.#keys.subarray(0, this.#keysLength);
  }

  /** Whether a further key of `length` bytes fits. */
  hasRoomFor(length: number): boolean {
    return this.#size < 0.7 * (this.#slotMask + 1) && this.#keysLength + length <= this.#keys.length;
  }

  /** Value of the key `bytes[start, end)`, -1 where there is none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end);
    const entries = this.#entries;
    for (let slot = hash & this.#slotMask; ; slot = (slot + 1) & this.#slotMask) {
      const at = slot * ENTRY;
      const found = entries[at] ?? 0;
      if (found === 0) return -1;
      if (found === hash && entries[at + 2] === end - start && this.#isKey(entries[at + 1] ?? 0, bytes, start, end)) {
        return entries[at + 3] ?? -1;
      }
    }
  }

  /** Adds a key that is not there yet and fits. `value` is not negative. */
  insert(bytes: Uint8Array, start: number, end: number, value: number): void {
    const hash = hashBytes(bytes, start, end);
    const entries = this.#entries;
    let slot = hash & this.#slotMask;
    while (entries[slot * ENTRY] !== 0) slot = (slot + 1) & this.#slotMask;
    const at = slot * ENTRY;
    entries[at] = hash;
    entries[at + 1] = this.#keysLength;
    entries[at + 2] = end - start;
    entries[at + 3] = value;
    this.#keys.set(bytes.subarray(start, end), this.#keysLength);
    this.#keysLength += end - start;
    this.#size += 1;
  }

  /** Forgets every key. */
  clear(): void {
    this.#entries.fill(0);
    this.#size = 0;
    this.#keysLength = 0;
  }

  #isKey(from: number, bytes: Uint8Array, start: number, end: number): boolean {
    const keys = this.#keys;
    for (let at = start, key = from; at < end; at += 1, key += 1) if (keys[key] !== bytes[at]) return false;
    return true;
  }
}

/** Never 0, which marks a free entry. */
const hashBytes = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = end - start;
  for (let at = start; at < end; at += 1) {
    hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 15;
  return hash === 0 ? 1 : hash;
};
