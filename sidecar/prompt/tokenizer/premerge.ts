import type { BpeModel } from './bpe-model.ts';
import { writeEntryBytes } from './byte-alphabet.ts';
import { type MergeTable, NO_RANK } from './merge-table.ts';

const FIRST_LEAD = 0xc0;
const MAX_CHARACTER_BYTES = 4;

/**
 * Characters beyond ASCII that can begin as one symbol, with its id, where their neighbours are not ASCII: their own
 * merges provably come before any that crosses their edges. That holds where every merge of a symbol at an edge, on the
 * way, with any token that ends in (before) or begins (after) another such character has a higher rank than all merges
 * within. O(vocabulary + merges); true for most CJK characters of large vocabularies.
 */
export const findPremerged = (model: BpeModel): ReadonlyMap<number, number> => {
  const { table, vocabulary } = model;
  const crossing = crossingRanks(model);
  const premerged = new Map<number, number>();
  const bytes = new Uint8Array(MAX_CHARACTER_BYTES);
  for (const entry of vocabulary.keys()) {
    const length = writeEntryBytes(entry, bytes);
    if (length < 2 || (bytes[0] ?? 0) < FIRST_LEAD) continue;
    const text = Buffer.from(bytes.subarray(0, length)).toString('utf8');
    const codePoint = text.codePointAt(0) ?? 0;
    if (codePoint === 0xfffd || text !== String.fromCodePoint(codePoint)) continue;
    const id = mergedApart(bytes.subarray(0, length), table, crossing);
    if (id >= 0) premerged.set(codePoint, id);
  }
  return premerged;
};

/** Lowest ranks of merges across the edge between two characters beyond ASCII, by token id. */
interface CrossingRanks {
  /** Of merges with a token before, which this one, first of a character, joins. */
  readonly before: ReadonlyMap<number, number>;
  /** Of merges with a token after. */
  readonly after: ReadonlyMap<number, number>;
}

const crossingRanks = ({ vocabulary, merges }: BpeModel): CrossingRanks => {
  const firstByte = new Map<number, number>();
  const lastByte = new Map<number, number>();
  const bytes = new Uint8Array(1 << 12);
  for (const [entry, id] of vocabulary) {
    const length = writeEntryBytes(entry, bytes);
    if (length < 1) continue;
    firstByte.set(id, bytes[0] ?? 0);
    lastByte.set(id, bytes[length - 1] ?? 0);
  }
  const before = new Map<number, number>();
  const after = new Map<number, number>();
  for (const [rank, { left, right }] of merges.entries()) {
    const last = lastByte.get(left) ?? 0;
    if ((firstByte.get(right) ?? 0) < FIRST_LEAD || last < 0x80 || last >= FIRST_LEAD) continue;
    if (!before.has(right)) before.set(right, rank);
    if (!after.has(left)) after.set(left, rank);
  }
  return { before, after };
};

/** Id that the character's bytes merge to before anything crosses their edges, -1 where that is not certain. */
const mergedApart = (bytes: Uint8Array, table: MergeTable, crossing: CrossingRanks): number => {
  const symbols = Array.from(bytes, (byte) => table.byteIds[byte] ?? 0);
  let lowestCrossing = NO_RANK;
  let highestWithin = -1;
  while (symbols.length > 1) {
    const [first = 0] = symbols;
    const last = symbols.at(-1) ?? 0;
    lowestCrossing = Math.min(
      lowestCrossing,
      crossing.before.get(first) ?? NO_RANK,
      crossing.after.get(last) ?? NO_RANK,
    );
    const ranks = symbols.slice(1).map((right, at) => table.rank(symbols[at] ?? 0, right));
    const rank = Math.min(...ranks);
    if (rank === NO_RANK) return -1;
    symbols.splice(ranks.indexOf(rank), 2, table.mergedIds[rank] ?? 0);
    highestWithin = Math.max(highestWithin, rank);
  }
  return highestWithin < lowestCrossing ? (symbols[0] ?? -1) : -1;
};
