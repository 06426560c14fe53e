import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeEntryBytes } from '../../sidecar/prompt/tokenizer/byte-alphabet.ts';
import {
  type TokenizerJson as ReadTokenizerJson,
  readTokenizerJson,
} from '../../sidecar/prompt/tokenizer/tokenizer-json.ts';

/** A `tokenizer.json` as parsed. */
export interface TokenizerJson {
  readonly added_tokens: readonly Readonly<Record<string, unknown>>[];
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly unknown[] };
  readonly [part: string]: unknown;
}

const tinyQwenPath = fileURLToPath(new URL('../../sidecar/simulator/tiny-qwen/tokenizer.json', import.meta.url));

/** What the product reads from a `tokenizer.json` of these contents. */
export const written = (contents: unknown): ReadTokenizerJson =>
  readTokenizerJson(Buffer.from(JSON.stringify(contents)));

/** Reads a `tokenizer.json`. */
export const readTokenizer = (path: string): TokenizerJson => JSON.parse(readFileSync(path, 'utf8'));

/** The 12,000-entry vocabulary of the embedded engine. */
export const tinyQwen: TokenizerJson = readTokenizer(tinyQwenPath);

/** The embedded engine's `tokenizer.json` with a TemplateProcessing that puts `<|endoftext|>` in front, as models with a BOS do. */
export const withLeadingToken = (tokenizer: string): string => {
  const file = JSON.parse(tokenizer);
  const bos = '<|endoftext|>';
  const sequence = { Sequence: { id: 'A', type_id: 0 } };
  file.post_processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: bos, type_id: 0 } }, sequence],
    pair: [sequence, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [bos]: { id: bos, ids: [12000], tokens: [bos] } },
  };
  return JSON.stringify(file);
};

/** What a vocabulary can spell: added tokens and entries that are whole characters, the most frequent first. */
export const piecesOf = (tokenizer: TokenizerJson): readonly string[] => {
  const pieces = tokenizer.added_tokens.map(({ content }) => String(content));
  const bytes = Buffer.alloc(1 << 12);
  for (const entry of Object.keys(tokenizer.model.vocab)) {
    const length = writeEntryBytes(Buffer.from(entry), 0, Buffer.byteLength(entry), bytes);
    const text = bytes.toString('utf8', 0, Math.max(length, 0)).replaceAll('\ufffd', '');
    if (text !== '') pieces.push(text);
  }
  return pieces;
};

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
const gpt2 = { ...byteLevel, use_regex: true };

const isolated = (pattern: string) => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
});

const sequence = (...pretokenizers: readonly object[]) => ({ pre_tokenizer: { type: 'Sequence', pretokenizers } });
const split = (pattern: string) => sequence(isolated(pattern), byteLevel);

const CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const PREFIX = '[^\\r\\n\\p{L}\\p{N}]?';
const HEAD = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const TAIL = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const WHITE = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const SYMBOLS = ' ?[^\\s\\p{L}\\p{N}]+';

const added = (content: string, flags: Readonly<Record<string, boolean>>) => ({
  id: 0,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
  ...flags,
});

/** Merges of every other rank only: half the vocabulary is not reached. */
const sparseMerges = { ...tinyQwen.model, merges: tinyQwen.model.merges.filter((_, rank) => rank % 7 !== 3) };

/**
 * Parts that stand in for those of tiny-qwen, by name: every kind of `tokenizer.json` that the own encoder takes, on one
 * small vocabulary.
 */
export const tokenizerShapes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'tiny-qwen': {},
  'cl100k, three digits': split(`${CONTRACTION}|${PREFIX}\\p{L}+|\\p{N}{1,3}|${SYMBOLS}[\\r\\n]*|${WHITE}`),
  'cl100k, marks are letters': split(
    `${CONTRACTION}|${PREFIX}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${WHITE}`,
  ),
  o200k: sequence(
    {
      ...isolated(
        `${PREFIX}${HEAD}*${TAIL}+${CONTRACTION}?|${PREFIX}${HEAD}+${TAIL}*${CONTRACTION}?|\\p{N}{1,3}|${SYMBOLS}[\\r\\n/]*|${WHITE}`,
      ),
      behavior: 'Removed',
      invert: true,
    },
    byteLevel,
  ),
  tekken: split(`${PREFIX}${HEAD}*${TAIL}+|${PREFIX}${HEAD}+${TAIL}*|\\p{N}|${SYMBOLS}[\\r\\n/]*|${WHITE}`),
  'DeepSeek V3': sequence(
    isolated('\\p{N}{1,3}'),
    isolated('[一-龥぀-ゟ゠-ヿ]+'),
    isolated(
      '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
    ),
    byteLevel,
  ),
  'GPT-2': { pre_tokenizer: gpt2, normalizer: null },
  'GPT-2, prefix space': { pre_tokenizer: { ...gpt2, add_prefix_space: true }, normalizer: null },
  'digits, then GPT-2': sequence({ type: 'Digits', individual_digits: true }, gpt2),
  'patterns of tiktoken': split(
    `'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s*[\\r\\n]|\\s+(?!\\S)|\\s`,
  ),
  'patterns of DeepSeek Coder': sequence(
    isolated('[\r\n]'),
    isolated('\\s?\\p{L}+'),
    isolated('\\s?\\p{P}+'),
    isolated('[一-龥ࠀ-一가-퟿]+'),
    { type: 'Digits', individual_digits: true },
    byteLevel,
  ),
  'gaps removed': sequence({ ...isolated('[\\p{L}\\p{N}]+'), behavior: 'Removed', invert: true }, byteLevel),
  'merges ignored': { model: { ...sparseMerges, ignore_merges: true } },
  'merges as strings': {
    model: {
      ...tinyQwen.model,
      merges: tinyQwen.model.merges.map((merge) => (Array.isArray(merge) ? merge.join(' ') : merge)),
    },
  },
  'added tokens with flags': {
    added_tokens: [
      ...tinyQwen.added_tokens,
      added('word', { single_word: true }),
      added('<left>', { lstrip: true }),
      added('<right>', { rstrip: true }),
      added('<both>', { lstrip: true, rstrip: true, single_word: true }),
      added('<n\u00e9>', { normalized: true }),
      added('cafe\u0301', { normalized: true, single_word: true }),
      added('<right>x', {}),
    ],
  },
  'begin and end of sequence': {
    post_processor: {
      type: 'Sequence',
      processors: [
        { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
        {
          type: 'TemplateProcessing',
          single: [
            { SpecialToken: { id: 'b', type_id: 0 } },
            { Sequence: { id: 'A', type_id: 0 } },
            { SpecialToken: { id: 'e', type_id: 0 } },
          ],
          pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
          special_tokens: {
            b: { id: 'b', ids: [12000, 12001], tokens: ['<|endoftext|>', '<|im_start|>'] },
            e: { id: 'e', ids: [12002], tokens: ['<|im_end|>'] },
          },
        },
      ],
    },
  },
};

/** tiny-qwen with a shape's parts. */
export const shapedTokenizer = (shape: string): TokenizerJson => ({ ...tinyQwen, ...tokenizerShapes[shape] });
