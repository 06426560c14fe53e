import type { BpeModel } from './bpe-model.ts';
import { ByteKeyTable } from './byte-key-table.ts';
import { WordMerger } from './word-merger.ts';

/** Entries of more bytes are looked up like any other but not expected. */
const MAX_ENTRY_BYTES = 1 << 12;

/** A word that is one token whatever the merges say. */
export interface WholeWord {
  readonly word: Uint8Array;
  readonly id: number;
}

/**
 * Words that `ignore_merges` makes one token though merging would not: entries of the vocabulary that their own merges do
 * not reach (588 in Llama 3). None where the model does not ignore merges. O(vocabulary).
 */
export const findWholeWords = ({ vocabulary, table, ignoresMerges }: BpeModel): readonly WholeWord[] => {
  if (!ignoresMerges) return [];
  const merger = new WordMerger(table);
  const bytes = new Uint8Array(MAX_ENTRY_BYTES);
  const output = new Int32Array(MAX_ENTRY_BYTES);
  const unreached: WholeWord[] = [];
  for (let position = 0; position < vocabulary.size; position += 1) {
    const id = vocabulary.idAt(position);
    const length = vocabulary.writeBytesAt(position, bytes);
    if (length < 2 || (merger.merge(bytes, 0, length, output, 0) === 1 && output[0] === id)) continue;
    unreached.push({ word: bytes.slice(0, length), id });
  }
  return unreached;
};

/** The words for look-up, null for none. */
export const tableOfWholeWords = (words: readonly WholeWord[]): ByteKeyTable | null => {
  if (words.length === 0) return null;
  let keyBytes = 0;
  for (const { word } of words) keyBytes += word.length;
  const table = new ByteKeyTable(Math.ceil(Math.log2(words.length)) + 1, keyBytes);
  for (const { word, id } of words) table.insert(word, 0, word.length, id);
  return table;
};
