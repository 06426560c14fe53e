import { JsonBytes } from './json-bytes.ts';
import { asObject, asTokenId, flag, type JsonObject } from './json-shape.ts';
import { MERGE, type MergeList, MergeTable } from './merge-table.ts';
import type { TokenizerJson } from './tokenizer-json.ts';
import { unsupported } from './unsupported.ts';
import { Vocabulary } from './vocabulary.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The `model` part of a byte-level `tokenizer.json`. */
export interface BpeModel {
  /** Tokens are in the byte alphabet. */
  readonly vocabulary: Vocabulary;
  readonly merges: MergeList;
  readonly table: MergeTable;
  /** Whether a word that is a token is that token, whatever the merges say. */
  readonly ignoresMerges: boolean;
}

/** Reads a `model` of type BPE; unsupported where it has parts that byte-level models do not use. */
export const parseBpeModel = (value: unknown, long: Pick<TokenizerJson, 'vocab' | 'merges'>): BpeModel => {
  const model = asObject(value, 'model');
  // Files older than the type's name hold a BPE where they have merges.
  const type = model['type'] ?? (long.merges === null ? 'unknown' : 'BPE');
  if (type !== 'BPE') return unsupported(`model type ${String(type)}`);
  rejectOptions(model);
  const vocabulary = readVocabulary(long.vocab ?? unsupported('vocab is not an object'));
  const merges = readMerges(long.merges ?? unsupported('merges is not a list'), vocabulary);
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

const countOf = (bytes: Uint8Array, byte: number): number => {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) count += 1;
  return count;
};

/** Reads `model.vocab`: an object of ids by token. */
const readVocabulary = (vocab: Buffer): Vocabulary => {
  const json = new JsonBytes(vocab);
  // One colon an entry, and those within tokens.
  const vocabulary = new Vocabulary(countOf(vocab, COLON), vocab.length);
  json.items(OPEN_BRACE, CLOSE_BRACE, () => {
    json.string();
    const { text, textStart, textEnd } = json;
    json.expect(COLON);
    vocabulary.set(text, textStart, textEnd, asTokenId(json.integer(), 'vocab entry'));
  });
  return vocabulary;
};

/** Reads `model.merges`: a list of pairs of tokens, each a list or one string with a space between. */
const readMerges = (merges: Buffer, vocabulary: Vocabulary): MergeList => {
  const json = new JsonBytes(merges);
  const ids = new Int32Array((countOf(merges, COMMA) + 1) * MERGE);
  let length = 0;
  let joined = new Uint8Array(1 << 8);
  let joinedLength = 0;
  const join = (text: Uint8Array, start: number, end: number): void => {
    const needed = joinedLength + end - start;
    if (needed > joined.length) {
      const larger = new Uint8Array(needed * 2);
      larger.set(joined);
      joined = larger;
    }
    for (let at = start; at < end; at += 1) joined[joinedLength++] = text[at] ?? 0;
  };
  const take = (id: number): void => {
    if (id < 0) unsupported('a merge is of tokens not in vocab');
    ids[length++] = id;
  };
  const takeToken = (text: Uint8Array, start: number, end: number): void => {
    take(vocabulary.find(text, start, end));
    join(text, start, end);
  };
  json.items(OPEN_BRACKET, CLOSE_BRACKET, () => {
    const start = length;
    joinedLength = 0;
    if (json.peek() === QUOTE) {
      json.string();
      const { text, textStart, textEnd } = json;
      const space = text.indexOf(SPACE, textStart);
      if (space < 0 || space >= textEnd || text.subarray(space + 1, textEnd).includes(SPACE)) return notTwoTokens();
      takeToken(text, textStart, space);
      takeToken(text, space + 1, textEnd);
    } else {
      if (json.peek() !== OPEN_BRACKET) return notTwoTokens();
      json.items(OPEN_BRACKET, CLOSE_BRACKET, () => {
        if (length === start + 2 || json.peek() !== QUOTE) return notTwoTokens();
        json.string();
        takeToken(json.text, json.textStart, json.textEnd);
      });
    }
    if (length !== start + 2) return notTwoTokens();
    take(vocabulary.find(joined, 0, joinedLength));
  });
  return ids.slice(0, length);
};

const notTwoTokens = (): never => unsupported('a merge is not two tokens');

const byteIdsOf = (vocabulary: Vocabulary): Int32Array => {
  const ids = new Int32Array(256).fill(-1);
  const byte = new Uint8Array(1);
  for (let position = 0; position < vocabulary.size; position += 1) {
    if (vocabulary.writeBytesAt(position, byte) === 1) ids[byte[0] ?? 0] = vocabulary.idAt(position);
  }
  if (ids.includes(-1)) unsupported('a byte has no token of its own: not a byte-level vocabulary');
  return ids;
};
