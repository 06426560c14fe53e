/** Rank of a pair that does not merge; larger than any rank. */
export const NO_RANK = 0x7fffffff;

/** Words of 32 bits in the filter: 4 Mbit, about 28 bits a merge of a large vocabulary. */
const FILTER_WORDS = 1 << 17;
const ENTRY = 4;

/** Ids of a merge in a {@link MergeList}: left, right, and what they become. */
export const MERGE = 3;

/** Merges in order of rank, {@link MERGE} ids each. */
export type MergeList = Int32Array;

/** Spreads a pair of ids over 32 bits; the same in the wasm core. */
export const hashPair = (left: number, right: number): number => {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77);
  return mixed ^ (mixed >>> 15);
};

/**
 * Merges of a byte-level BPE by pair: open addressing behind a bit filter, since most pairs asked for do not merge. Lower
 * rank merges first. Of two merges of one pair the later counts, as in Hugging Face tokenizers.
 */
export class MergeTable {
  /** Id of each single byte. */
  readonly byteIds: Int32Array;
  /** Rank of each pair of single bytes, `first << 8 | second`. */
  readonly bytePairRanks: Int32Array;
  /** Id that the merge of a rank makes. */
  readonly mergedIds: Int32Array;
  /** One bit a pair that may merge, by its hash. */
  readonly filter: Int32Array;
  /** Entries of left, right, rank, merged; left is -1 where free. */
  readonly entries: Int32Array;
  readonly entryMask: number;

  constructor(byteIds: Int32Array, merges: MergeList) {
    const count = merges.length / MERGE;
    let capacity = 16;
    while (capacity < count * 1.7) capacity *= 2;
    this.byteIds = byteIds;
    this.bytePairRanks = new Int32Array(1 << 16).fill(NO_RANK);
    this.mergedIds = new Int32Array(count);
    this.filter = new Int32Array(FILTER_WORDS);
    this.entries = new Int32Array(capacity * ENTRY).fill(-1);
    this.entryMask = capacity - 1;
    const byteOfId = new Map<number, number>();
    for (const [byte, id] of byteIds.entries()) byteOfId.set(id, byte);
    for (let rank = 0; rank < count; rank += 1) {
      const left = merges[rank * MERGE] ?? 0;
      const right = merges[rank * MERGE + 1] ?? 0;
      const merged = merges[rank * MERGE + 2] ?? 0;
      this.#add(left, right, rank, merged);
      this.mergedIds[rank] = merged;
      const first = byteOfId.get(left);
      const second = byteOfId.get(right);
      if (first !== undefined && second !== undefined) this.bytePairRanks[(first << 8) | second] = rank;
    }
  }

  /** Rank of the pair, NO_RANK where it does not merge. */
  rank(left: number, right: number): number {
    const hash = hashPair(left, right);
    if ((((this.filter[(hash >>> 5) & (FILTER_WORDS - 1)] ?? 0) >>> (hash & 31)) & 1) === 0) return NO_RANK;
    const { entries, entryMask } = this;
    for (let slot = (hash >>> 7) & entryMask; ; slot = (slot + 1) & entryMask) {
      const at = slot * ENTRY;
      const found = entries[at] ?? -1;
      if (found === left && entries[at + 1] === right) return entries[at + 2] ?? NO_RANK;
      if (found < 0) return NO_RANK;
    }
  }

  #add(left: number, right: number, rank: number, merged: number): void {
    const { entries, entryMask, filter } = this;
    const hash = hashPair(left, right);
    const word = (hash >>> 5) & (FILTER_WORDS - 1);
    filter[word] = (filter[word] ?? 0) | (1 << (hash & 31));
    let slot = (hash >>> 7) & entryMask;
    while ((entries[slot * ENTRY] ?? -1) >= 0) {
      if (entries[slot * ENTRY] === left && entries[slot * ENTRY + 1] === right) break;
      slot = (slot + 1) & entryMask;
    }
    entries[slot * ENTRY] = left;
    entries[slot * ENTRY + 1] = right;
    entries[slot * ENTRY + 2] = rank;
    entries[slot * ENTRY + 3] = merged;
  }
}
