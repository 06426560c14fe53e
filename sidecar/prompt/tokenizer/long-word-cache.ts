import { ByteKeyTable } from './byte-key-table.ts';
import { SHORT_WORD_BYTES } from './short-word-cache.ts';

/** Longer words are not remembered. */
export const LONG_WORD_BYTES = 512;

/** Remembers the token ids of words of 17 to 512 bytes. Bounded; when full it starts anew. */
export class LongWordCache {
  readonly #table: ByteKeyTable;
  /** Number of ids, then the ids, of each word. */
  readonly #ids: Int32Array;
  #idsLength = 0;

  /** @param bits Up to seven tenths of 2^bits words, 64 bytes of them and 32 ids each on average. */
  constructor(bits: number) {
    this.#table = new ByteKeyTable(bits, 64 << bits);
    this.#ids = new Int32Array(32 << bits);
  }

  /** Whether words of so many bytes are kept here. */
  static takes(length: number): boolean {
    return length > SHORT_WORD_BYTES && length <= LONG_WORD_BYTES;
  }

  /** Writes ids to `output` from `count` on and returns the count after them; -1 where the word is not known. */
  find(bytes: Uint8Array, start: number, end: number, output: Int32Array, count: number): number {
    const from = this.#table.find(bytes, start, end);
    if (from < 0) return -1;
    const ids = this.#ids;
    const length = ids[from] ?? 0;
    for (let at = 0; at < length; at += 1) output[count + at] = ids[from + 1 + at] ?? 0;
    return count + length;
  }

  /** Remembers `output[from, to)` as the ids of a word that {@link find} did not know. */
  insert(bytes: Uint8Array, start: number, end: number, output: Int32Array, from: number, to: number): void {
    if (!this.#table.hasRoomFor(end - start) || this.#idsLength + to - from + 1 > this.#ids.length) this.clear();
    this.#table.insert(bytes, start, end, this.#idsLength);
    this.#ids[this.#idsLength] = to - from;
    this.#ids.set(output.subarray(from, to), this.#idsLength + 1);
    this.#idsLength += to - from + 1;
  }

  /** Forgets every word. */
  clear(): void {
    this.#table.clear();
    this.#idsLength = 0;
  }
}
