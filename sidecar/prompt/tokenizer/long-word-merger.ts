import { type MergeTable, NO_RANK } from './merge-table.ts';

/**
 * Byte-pair encoding of words too long to look at every pair for each merge. Symbols are a doubly linked list; a
 * tournament tree over positions holds the position of the lowest rank in each half, the left one of equals. O(n log n),
 * 20 to 40 bytes a byte of the longest word so far.
 */
export class LongWordMerger {
  readonly #table: MergeTable;
  #capacity = 0;
  /** Positions of the tree, a power of two. */
  #leaves = 0;
  #symbols = new Int32Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  #ranks = new Int32Array(0);
  #winners = new Int32Array(0);

  constructor(table: MergeTable) {
    this.#table = table;
  }

  /** As {@link WordMerger.merge}, for words of two bytes and more. */
  merge(bytes: Uint8Array, start: number, end: number, output: Int32Array, count: number): number {
    const length = end - start;
    this.#reserve(length);
    this.#load(bytes, start, length);
    for (;;) {
      const position = this.#winners[1] ?? 0;
      const rank = this.#ranks[position] ?? NO_RANK;
      if (rank === NO_RANK) break;
      this.#mergeAt(position, this.#table.mergedIds[rank] ?? 0, length);
    }
    let written = count;
    for (let at = 0; at < length; at = this.#next[at] ?? length) output[written++] = this.#symbols[at] ?? 0;
    return written;
  }

  #reserve(length: number): void {
    this.#leaves = 2;
    while (this.#leaves < length) this.#leaves *= 2;
    if (this.#leaves <= this.#capacity) return;
    const capacity = this.#leaves;
    this.#capacity = capacity;
    this.#symbols = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#ranks = new Int32Array(capacity);
    this.#winners = new Int32Array(capacity);
  }

  #load(bytes: Uint8Array, start: number, length: number): void {
    const { byteIds, bytePairRanks } = this.#table;
    const ranks = this.#ranks.fill(NO_RANK, 0, this.#leaves);
    for (let at = 0; at < length; at += 1) {
      const byte = bytes[start + at] ?? 0;
      this.#symbols[at] = byteIds[byte] ?? 0;
      this.#next[at] = at + 1;
      this.#previous[at] = at - 1;
      if (at + 1 < length) ranks[at] = bytePairRanks[(byte << 8) | (bytes[start + at + 1] ?? 0)] ?? NO_RANK;
    }
    // Node n has the halves 2n and 2n + 1; from leaves / 2 on, the halves are positions.
    const half = this.#leaves >> 1;
    for (let node = this.#leaves - 1; node >= 1; node -= 1) this.#winners[node] = this.#winnerOf(node, half);
  }

  #winnerOf(node: number, half: number): number {
    const isLowest = node >= half;
    const left = isLowest ? (node - half) * 2 : (this.#winners[node * 2] ?? 0);
    const right = isLowest ? left + 1 : (this.#winners[node * 2 + 1] ?? 0);
    return (this.#ranks[right] ?? NO_RANK) < (this.#ranks[left] ?? NO_RANK) ? right : left;
  }

  #setRank(position: number, rank: number): void {
    this.#ranks[position] = rank;
    const half = this.#leaves >> 1;
    for (let node = half + (position >> 1); node >= 1; node >>= 1) this.#winners[node] = this.#winnerOf(node, half);
  }

  #mergeAt(position: number, merged: number, length: number): void {
    const absorbed = this.#next[position] ?? length;
    const after = this.#next[absorbed] ?? length;
    const before = this.#previous[position] ?? -1;
    this.#symbols[position] = merged;
    this.#next[position] = after;
    if (after < length) this.#previous[after] = position;
    this.#setRank(absorbed, NO_RANK);
    this.#setRank(position, after < length ? this.#table.rank(merged, this.#symbols[after] ?? 0) : NO_RANK);
    if (before >= 0) this.#setRank(before, this.#table.rank(this.#symbols[before] ?? 0, merged));
  }
}
