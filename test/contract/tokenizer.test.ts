import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createByteLevelBpe } from '../../sidecar/prompt/tokenizer/byte-level-bpe.ts';
import { createCachedTokenizer } from '../../sidecar/prompt/tokenizer/cached-tokenizer.ts';
import { createPackageTokenizer } from '../../sidecar/prompt/tokenizer/package-tokenizer.ts';
import type { Tokenizer } from '../../sidecar/prompt/tokenizer/port.ts';
import { characterClasses, LETTER, NUMBER } from '../../sidecar/prompt/tokenizer/unicode/character-classes.ts';
import { tinyQwenModel } from '../support/tiny-qwen.ts';
import { written } from '../support/tokenizer-shapes.ts';

const tokenizerJson: unknown = JSON.parse(readFileSync(`${tinyQwenModel}/tokenizer.json`, 'utf8'));

const own = (core: 'plain' | 'wasm'): Tokenizer => {
  const result = createByteLevelBpe(written(tokenizerJson), { core });
  if (result.kind === 'unsupported') throw new Error(result.reason);
  return result.tokenizer;
};

const fromPackage = (): Tokenizer =>
  createPackageTokenizer({ tokenizer: tokenizerJson, config: {} }, { reason: 'under test' });

const implementations: readonly (readonly [string, () => Tokenizer])[] = [
  ['own, plain', () => own('plain')],
  ['own, wasm', () => own('wasm')],
  ['package', fromPackage],
  [
    'package, remembered',
    () => createCachedTokenizer(fromPackage(), { addedTokens: ['<|im_start|>', '<|im_end|>'], maxBytes: 1 << 16 }),
  ],
];

const special = fc.constantFrom(
  '<|im_start|>',
  '<|im_end|>',
  '<tool_call>',
  '<|im_',
  ' ',
  '\n',
  'é',
  'e\u0301',
  '\u{1f600}',
  "'s",
  '12',
  '中',
);
const texts = fc.array(fc.oneof(special, fc.string({ unit: 'binary', maxLength: 6 }), fc.lorem({ maxCount: 3 })), {
  maxLength: 12,
});

const classes = characterClasses();

/** Whether Node's Unicode version, which the package goes by, classes a character as the pinned tables do. */
const isClassedAlike = (character: string): boolean => {
  const pinned = classes[character.codePointAt(0) ?? 0] ?? 0;
  return (
    /\p{L}/u.test(character) === ((pinned & LETTER) !== 0) && /\p{N}/u.test(character) === ((pinned & NUMBER) !== 0)
  );
};

describe.each(implementations)('a tokenizer (%s)', (_, create) => {
  const tokenizer = create();
  const reference = own('plain');
  const plain = { addSpecialTokens: false };

  it('gives the ids of the plain implementation for any text', () => {
    fc.assert(
      fc.property(texts, (parts) => {
        const text = parts.join('').toWellFormed();
        fc.pre([...text].every(isClassedAlike));
        expect(tokenizer.encode(text, plain)).toEqual(reference.encode(text, plain));
      }),
      { numRuns: 300 },
    );
  });

  it('encodes pieces as their concatenation', () => {
    fc.assert(
      fc.property(texts, (pieces) => {
        expect(tokenizer.encodePieces(pieces)).toEqual(tokenizer.encode(pieces.join(''), plain));
      }),
      { numRuns: 300 },
    );
  });

  it('counts half a surrogate pair as U+FFFD', () => {
    expect(tokenizer.encode('a\ud83d b', plain)).toEqual(tokenizer.encode('a\ufffd b', plain));
  });

  it('has no ids beyond its size', () => {
    expect(tokenizer.vocabularySize).toBe(12_024);
    expect(Math.max(...tokenizer.encode('<think>', plain))).toBe(12_022);
  });

  it('gives each caller an array of its own', () => {
    tokenizer.encode('hello', plain).fill(0);

    expect(tokenizer.encode('hello', plain)).toEqual(reference.encode('hello', plain));
  });

  it('gives no ids for no text', () => {
    expect(tokenizer.encodePieces([])).toHaveLength(0);
    expect(tokenizer.encode('', plain)).toHaveLength(0);
  });
});
