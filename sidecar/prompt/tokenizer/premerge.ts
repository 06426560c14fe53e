import type { BpeModel } from './bpe-model.ts';
import { MERGE, type MergeTable, NO_RANK } from './merge-table.ts';
import { widthOf } from './unicode/utf8.ts';
import type { Vocabulary } from './vocabulary.ts';

const FIRST_LEAD = 0xc0;
const MAX_CHARACTER_BYTES = 4;
const MAX_ENTRY_BYTES = 1 << 12;
/** Any neighbour. */
const ALL = (1n << 64n) - 1n;

/** A character whose own merges come first, and beside which neighbours that is not certain. */
export interface Premerged {
  /** Token that the character becomes. */
  readonly id: number;
  /** Bit n: not certain after a character whose last byte's low six bits are n. */
  readonly notAfter: bigint;
  /** Bit n: not certain before a character whose last byte's low six bits are n. */
  readonly notBefore: bigint;
}

/**
 * Characters beyond ASCII, by code point, that can begin as one symbol where their neighbours are beyond ASCII too: their
 * bytes provably become one token before any merge crosses their edges. That holds where every merge of a symbol at an
 * edge, on the way, with a token that could be the neighbour's there has a higher rank than all merges within. True for
 * most CJK characters beside most others. O(vocabulary + merges).
 */
export const findPremerged = (model: BpeModel): ReadonlyMap<number, Premerged> => {
  const crossing = crossingMerges(model);
  const premerged = new Map<number, Premerged>();
  const bytes = new Uint8Array(MAX_CHARACTER_BYTES);
  for (let position = 0; position < model.vocabulary.size; position += 1) {
    const length = model.vocabulary.writeBytesAt(position, bytes);
    if (length < 2 || (bytes[0] ?? 0) < FIRST_LEAD) continue;
    const text = Buffer.from(bytes.subarray(0, length)).toString('utf8');
    const codePoint = text.codePointAt(0) ?? 0;
    if (codePoint === 0xfffd || text !== String.fromCodePoint(codePoint)) continue;
    const found = mergeApart(bytes.subarray(0, length), model.table, crossing);
    if (found !== null) premerged.set(codePoint, found);
  }
  return premerged;
};

/** A merge across the edge between two characters beyond ASCII. */
interface CrossingMerge {
  readonly rank: number;
  /** Bits of the neighbours' last bytes that allow it. */
  readonly neighbours: bigint;
}

/** Crossing merges by the token on this side. */
interface CrossingMerges {
  /** With a token before, which this one joins. */
  readonly before: ReadonlyMap<number, readonly CrossingMerge[]>;
  /** With a token after. */
  readonly after: ReadonlyMap<number, readonly CrossingMerge[]>;
}

/** Bytes of a token in {@link edgeBytes}: its first, its last, the last of its first character or 0 where it is longer. */
const EDGES = 3;

const edgeBytes = (vocabulary: Vocabulary): Uint8Array => {
  const edges = new Uint8Array(vocabulary.idLimit * EDGES);
  const bytes = new Uint8Array(MAX_ENTRY_BYTES);
  for (let position = 0; position < vocabulary.size; position += 1) {
    const length = vocabulary.writeBytesAt(position, bytes);
    if (length < 1) continue;
    const id = vocabulary.idAt(position);
    const width = widthOf(bytes[0] ?? 0);
    edges[id * EDGES] = bytes[0] ?? 0;
    edges[id * EDGES + 1] = bytes[length - 1] ?? 0;
    edges[id * EDGES + 2] = width <= length ? (bytes[width - 1] ?? 0) : 0;
  }
  return edges;
};

const bitOf = (lastByte: number): bigint => 1n << BigInt(lastByte & 63);

const crossingMerges = ({ vocabulary, merges }: BpeModel): CrossingMerges => {
  const edges = edgeBytes(vocabulary);
  const before = new Map<number, CrossingMerge[]>();
  const after = new Map<number, CrossingMerge[]>();
  const add = (to: Map<number, CrossingMerge[]>, id: number, merge: CrossingMerge): void => {
    const known = to.get(id);
    if (known === undefined) to.set(id, [merge]);
    else known.push(merge);
  };
  for (let rank = 0; rank * MERGE < merges.length; rank += 1) {
    const left = merges[rank * MERGE] ?? 0;
    const right = merges[rank * MERGE + 1] ?? 0;
    const leftLast = edges[left * EDGES + 1] ?? 0;
    const lead = edges[right * EDGES] ?? 0;
    if (lead < FIRST_LEAD || leftLast < 0x80 || leftLast >= FIRST_LEAD) continue;
    add(before, right, { rank, neighbours: bitOf(leftLast) });
    const last = edges[right * EDGES + 2] ?? 0;
    // A token that is only the beginning of a character may be that of many.
    add(after, left, { rank, neighbours: last === 0 ? ALL : bitOf(last) });
  }
  return { before, after };
};

const neighboursBelow = (merges: readonly CrossingMerge[] | undefined, rank: number): bigint =>
  (merges ?? []).reduce((bits, merge) => (merge.rank <= rank ? bits | merge.neighbours : bits), 0n);

/** What the character's bytes become by themselves; null where that is not one token. */
const mergeApart = (bytes: Uint8Array, table: MergeTable, crossing: CrossingMerges): Premerged | null => {
  const symbols = Array.from(bytes, (byte) => table.byteIds[byte] ?? 0);
  const firsts = new Set<number>();
  const lasts = new Set<number>();
  let highestRank = -1;
  while (symbols.length > 1) {
    firsts.add(symbols[0] ?? 0);
    lasts.add(symbols.at(-1) ?? 0);
    const ranks = symbols.slice(1).map((right, at) => table.rank(symbols[at] ?? 0, right));
    const rank = Math.min(...ranks);
    if (rank === NO_RANK) return null;
    symbols.splice(ranks.indexOf(rank), 2, table.mergedIds[rank] ?? 0);
    highestRank = Math.max(highestRank, rank);
  }
  let notAfter = 0n;
  let notBefore = 0n;
  for (const id of firsts) notAfter |= neighboursBelow(crossing.before.get(id), highestRank);
  for (const id of lasts) notBefore |= neighboursBelow(crossing.after.get(id), highestRank);
  return { id: symbols[0] ?? 0, notAfter, notBefore };
};
