import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../../../sidecar/core/index.ts';
import { type ByteLevelBpe, createByteLevelBpe } from '../../../../sidecar/prompt/tokenizer/byte-level-bpe.ts';
import { TokenArena } from '../../../../sidecar/prompt/tokenizer/token-arena.ts';
import { piecesOf, shapedTokenizer, tinyQwen, tokenizerShapes, written } from '../../../support/tokenizer-shapes.ts';
import { fuzzText } from '../../../support/tokenizer-texts.ts';

interface FrozenIds {
  readonly text: string;
  readonly ids: readonly number[];
}

const frozen: Readonly<Record<string, readonly FrozenIds[]>> = JSON.parse(
  readFileSync(new URL('../../../fixtures/tokenizer/ids.json', import.meta.url), 'utf8'),
);

const supported = (tokenizerJson: unknown, core: 'plain' | 'wasm'): ByteLevelBpe => {
  const result = createByteLevelBpe(written(tokenizerJson), { core });
  if (result.kind === 'unsupported') throw new Error(result.reason);
  return result.tokenizer;
};

const plainIds = (tokenizer: ByteLevelBpe, text: string): readonly number[] => [
  ...tokenizer.encode(text, { addSpecialTokens: false }),
];

const shapes = Object.keys(tokenizerShapes);
const cores = ['plain', 'wasm'] as const;
const shapesAndCores = shapes.flatMap((shape) => cores.map((core) => [shape, core] as const));

describe('ids that Hugging Face tokenizers gave', () => {
  it('are on record for every shape', () => {
    expect(Object.keys(frozen)).toEqual(shapes);
  });

  it.each(shapesAndCores)('are ours: %s, %s core', (shape, core) => {
    const tokenizer = supported(shapedTokenizer(shape), core);
    const different = (frozen[shape] ?? []).filter(
      ({ text, ids }) => tokenizer.encode(text, { addSpecialTokens: true }).join() !== ids.join(),
    );

    expect(different).toEqual([]);
  });
});

describe('the WebAssembly core', () => {
  it('runs on this Node', () => {
    expect(supported(tinyQwen, 'wasm').coreKind).toBe('wasm');
  });

  it.each(shapes)('gives the plain core’s ids for any text: %s', (shape) => {
    const tokenizer = shapedTokenizer(shape);
    const [plain, wasm] = [supported(tokenizer, 'plain'), supported(tokenizer, 'wasm')];
    const pieces = piecesOf(tokenizer);
    const random = seededRandom(shape.length + 1);

    for (let count = 0; count < 150; count += 1) {
      const text = fuzzText(random, pieces);
      expect({ text, ids: plainIds(wasm, text) }).toEqual({ text, ids: plainIds(plain, text) });
    }
  });

  it.each(shapes)('gives the plain core’s ids for ASCII that is hard to split: %s', (shape) => {
    const [plain, wasm] = [supported(shapedTokenizer(shape), 'plain'), supported(shapedTokenizer(shape), 'wasm')];
    const part = fc.constantFrom(
      ...' \n\r\tsSlLrRevtmdaAbB12345/!.<\u0001éſ１中\u0301',
      '    ',
      "'ll",
      "'Re",
      "'",
      ' word',
      '\n\n',
    );
    const repeated = fc.tuple(part, fc.integer({ min: 1, max: 20 })).map(([text, times]) => text.repeat(times));

    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: part }, repeated), { maxLength: 90 }), (parts) => {
        const text = parts.join('');

        expect(plainIds(wasm, text)).toEqual(plainIds(plain, text));
      }),
      { seed: shape.length, numRuns: 80 },
    );
  });
});

describe.each(cores)('byte-level BPE on the %s core', (core) => {
  const tokenizer = supported(tinyQwen, core);
  const arena = new TokenArena();

  const bytesToIds = (bytes: Uint8Array): { readonly ids: readonly number[]; readonly endsInAddedToken: boolean } => {
    arena.truncate(0);
    const endsInAddedToken = tokenizer.encodeUtf8(bytes, arena);
    return { ids: [...arena.toArray()], endsInAddedToken };
  };

  it('gives no ids for no text', () => {
    expect(plainIds(tokenizer, '')).toEqual([]);
  });

  it('gives the same ids before and after warming', () => {
    const text = 'Warming fills caches, and 2 caches change nothing.';
    const before = plainIds(tokenizer, text);
    tokenizer.warm();

    expect(plainIds(tokenizer, text)).toEqual(before);
  });

  it('joins pieces where a pair of surrogates is divided between them', () => {
    expect([...tokenizer.encodePieces(['a\ud83d', '\ude00', 'b'])]).toEqual(plainIds(tokenizer, 'a😀b'));
  });

  it('takes lone surrogates for U+FFFD', () => {
    expect(plainIds(tokenizer, 'a\ud83d b')).toEqual(plainIds(tokenizer, 'a\ufffd b'));
  });

  it('gives the ids of long text slice by slice', () => {
    const paragraph = 'Prefix caches hold blocks; 多轮对话，很长。\n\tif (x !== y) { return "it\'s"; }\n';
    const words = Array.from({ length: 3000 }, (_, at) => `${paragraph.slice(at % 20)}${at}`);
    const [whole, other] = [supported(tinyQwen, core), supported(tinyQwen, core)];
    const separate = words.flatMap((word) => plainIds(other, `${word}<|im_end|>`));

    expect(plainIds(whole, words.map((word) => `${word}<|im_end|>`).join(''))).toEqual(separate);
    expect(plainIds(whole, words.join(' ')).length).toBeGreaterThan(60_000);
  });

  it('encodes a single word longer than a core keeps room for', () => {
    const half = plainIds(tokenizer, 'ab'.repeat(1 << 16));

    expect(plainIds(tokenizer, 'ab'.repeat(1 << 18))).toEqual([...half, ...half, ...half, ...half]);
  });

  it('takes a character that is cut short at the end for U+FFFD', () => {
    const bytes = Buffer.from('中文');

    expect(bytesToIds(bytes.subarray(0, 5)).ids).toEqual(plainIds(tokenizer, '中\ufffd'));
  });

  it('never throws for bytes that are not UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(bytesToIds(bytes).ids.every((id) => id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('says whether text ends in an added token, after which encoding can restart', () => {
    const [head, tail] = ['<|im_start|>user\nhello<|im_end|>', '\n<|im_start|>assistant\n'];
    const first = bytesToIds(Buffer.from(head));
    const second = bytesToIds(Buffer.from(tail));

    expect(tokenizer.canRestartAfterAddedToken).toBe(true);
    expect([first.endsInAddedToken, second.endsInAddedToken]).toEqual([true, false]);
    expect([...first.ids, ...second.ids]).toEqual(plainIds(tokenizer, head + tail));
  });
});

describe('restarting after added tokens', () => {
  it('is ruled out by tokens that reach beyond themselves or lie within others', () => {
    expect(supported(shapedTokenizer('added tokens with flags'), 'plain').canRestartAfterAddedToken).toBe(false);
  });
});

describe('what the own encoder does not do', () => {
  const bpe = tinyQwen.model;
  const noBytes = { ...bpe, vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] };

  it.each([
    ['a Unigram model', { model: { type: 'Unigram', vocab: [] } }, 'model type Unigram'],
    ['a WordPiece model', { model: { type: 'WordPiece', vocab: {} } }, 'model type WordPiece'],
    ['byte_fallback', { model: { ...bpe, byte_fallback: true } }, 'byte_fallback'],
    ['dropout', { model: { ...bpe, dropout: 0.1 } }, 'dropout'],
    ['a word ending', { model: { ...bpe, end_of_word_suffix: '</w>' } }, 'end_of_word_suffix'],
    ['a vocabulary that is not of bytes', { model: noBytes }, 'not a byte-level vocabulary'],
    ['a merge of unknown tokens', { model: { ...bpe, merges: [['Ġ', 'no such token']] } }, 'tokens not in vocab'],
    ['a Metaspace pre-tokenizer', { pre_tokenizer: { type: 'Metaspace' } }, 'does not end with ByteLevel'],
    ['no pre-tokenizer', { pre_tokenizer: null }, 'pre_tokenizer is not an object'],
    ['a lower-casing normalizer', { normalizer: { type: 'Lowercase' } }, 'normalizer Lowercase'],
    ['an unknown post-processor', { post_processor: { type: 'Other' } }, 'post-processor Other'],
  ])('is said: %s', (_, parts, reason) => {
    const result = createByteLevelBpe(written({ ...tinyQwen, ...parts }));

    expect(result).toEqual({ kind: 'unsupported', reason: expect.stringContaining(reason) });
  });

  it.each([
    ['null', null],
    ['a list', []],
    ['a number', 7],
    ['an empty object', {}],
  ])('is said of %s', (_, value) => {
    expect(createByteLevelBpe(written(value)).kind).toBe('unsupported');
  });
});
