import { LongWordMerger } from './long-word-merger.ts';
import { type MergeTable, NO_RANK } from './merge-table.ts';

/** Words of more symbols are merged by a tree of ranks instead of by looking at every pair. */
export const MAX_SCANNED_SYMBOLS = 64;

/**
 * Byte-pair encoding of one word: of all adjacent pairs the one of lowest rank merges, the leftmost of equals, until none
 * does. O(n²) in words of up to 64 bytes, O(n log n) beyond.
 */
export class WordMerger {
  readonly #table: MergeTable;
  readonly #symbols = new Int32Array(MAX_SCANNED_SYMBOLS);
  readonly #ranks = new Int32Array(MAX_SCANNED_SYMBOLS);
  readonly #long: LongWordMerger;

  constructor(table: MergeTable) {
    this.#table = table;
    this.#long = new LongWordMerger(table);
  }

  /** Writes the ids of `bytes[start, end)` to `output` from `count` on and returns the count after them. */
  merge(bytes: Uint8Array, start: number, end: number, output: Int32Array, count: number): number {
    const length = end - start;
    const { byteIds } = this.#table;
    if (length === 1) {
      output[count] = byteIds[bytes[start] ?? 0] ?? 0;
      return count + 1;
    }
    if (length > MAX_SCANNED_SYMBOLS) return this.#long.merge(bytes, start, end, output, count);
    const merged = this.#mergeScanned(this.#load(bytes, start, length));
    const symbols = this.#symbols;
    for (let at = 0; at < merged; at += 1) output[count + at] = symbols[at] ?? 0;
    return count + merged;
  }

  #load(bytes: Uint8Array, start: number, length: number): number {
    const { byteIds, bytePairRanks } = this.#table;
    const symbols = this.#symbols;
    const ranks = this.#ranks;
    let byte = bytes[start] ?? 0;
    for (let at = 0; at < length - 1; at += 1) {
      symbols[at] = byteIds[byte] ?? 0;
      const next = bytes[start + at + 1] ?? 0;
      ranks[at] = bytePairRanks[(byte << 8) | next] ?? NO_RANK;
      byte = next;
    }
    symbols[length - 1] = byteIds[byte] ?? 0;
    return length;
  }

  /** Merges the loaded symbols in place and returns how many are left. */
  #mergeScanned(loaded: number): number {
    const table = this.#table;
    const { mergedIds } = table;
    const symbols = this.#symbols;
    const ranks = this.#ranks;
    let length = loaded;
    for (;;) {
      let lowest = NO_RANK;
      let position = -1;
      for (let at = 0; at < length - 1; at += 1) {
        const rank = ranks[at] ?? NO_RANK;
        if (rank < lowest) {
          lowest = rank;
          position = at;
        }
      }
      if (position < 0) return length;
      const merged = mergedIds[lowest] ?? 0;
      symbols[position] = merged;
      length -= 1;
      for (let at = position + 1; at < length; at += 1) {
        symbols[at] = symbols[at + 1] ?? 0;
        ranks[at] = ranks[at + 1] ?? NO_RANK;
      }
      if (position > 0) ranks[position - 1] = table.rank(symbols[position - 1] ?? 0, merged);
      if (position < length - 1) ranks[position] = table.rank(merged, symbols[position + 1] ?? 0);
    }
  }
}
