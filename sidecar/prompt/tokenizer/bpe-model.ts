import { byteOfCharacter } from './byte-alphabet.ts';
import { asList, asObject, asString, asTokenId, flag, type JsonObject } from './json-shape.ts';
import { type Merge, MergeTable } from './merge-table.ts';
import { unsupported } from './unsupported.ts';

/** The `model` part of a byte-level `tokenizer.json`. */
export interface BpeModel {
  /** Token → id, as in the file; tokens are in the byte alphabet. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** In order of rank. */
  readonly merges: readonly Merge[];
  readonly table: MergeTable;
  /** Whether a word that is a token is that token, whatever the merges say. */
  readonly ignoresMerges: boolean;
}

/** Reads a `model` of type BPE; unsupported where it has parts that byte-level models do not use. */
export const parseBpeModel = (value: unknown): BpeModel => {
  const model = asObject(value, 'model');
  // Files older than the type's name hold a BPE where they have merges.
  const type = model['type'] ?? (Array.isArray(model['merges']) ? 'BPE' : 'unknown');
  if (type !== 'BPE') return unsupported(`model type ${String(type)}`);
  rejectOptions(model);
  const vocabulary = parseVocabulary(model['vocab']);
  const merges = asList(model['merges'], 'merges').map((merge) => parseMerge(merge, vocabulary));
  return {
    vocabulary,
    merges,
    table: new MergeTable(byteIdsOf(vocabulary), merges),
    ignoresMerges: flag(model, 'ignore_merges', false),
  };
};

const rejectOptions = (model: JsonObject): void => {
  if (flag(model, 'byte_fallback', false)) unsupported('byte_fallback');
  for (const name of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if ((model[name] ?? '') !== '') unsupported(name);
  }
  const dropout = model['dropout'] ?? 0;
  if (dropout !== 0) unsupported('dropout');
};

const parseVocabulary = (value: unknown): ReadonlyMap<string, number> => {
  const vocabulary = new Map<string, number>();
  for (const [token, id] of Object.entries(asObject(value, 'vocab')))
    vocabulary.set(token, asTokenId(id, 'vocab entry'));
  return vocabulary;
};

const parseMerge = (merge: unknown, vocabulary: ReadonlyMap<string, number>): Merge => {
  let left: string;
  let right: string;
  if (typeof merge === 'string') {
    const parts = merge.split(' ');
    if (parts.length !== 2) return unsupported('a merge is not two tokens');
    [left = '', right = ''] = parts;
  } else {
    const parts = asList(merge, 'merge');
    if (parts.length !== 2) return unsupported('a merge is not two tokens');
    left = asString(parts[0], 'merge');
    right = asString(parts[1], 'merge');
  }
  const idOf = (token: string): number => vocabulary.get(token) ?? unsupported('a merge is of tokens not in vocab');
  return { left: idOf(left), right: idOf(right), merged: idOf(left + right) };
};

const byteIdsOf = (vocabulary: ReadonlyMap<string, number>): Int32Array => {
  const ids = new Int32Array(256).fill(-1);
  for (const [token, id] of vocabulary) {
    const byte = token.length === 1 ? byteOfCharacter(token.charCodeAt(0)) : -1;
    if (byte >= 0) ids[byte] = id;
  }
  if (ids.includes(-1)) unsupported('a byte has no token of its own: not a byte-level vocabulary');
  return ids;
};
