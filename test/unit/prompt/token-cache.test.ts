import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createCachedTokenizer } from '../../../sidecar/prompt/tokenizer/cached-tokenizer.ts';
import type { Tokenizer } from '../../../sidecar/prompt/tokenizer/port.ts';
import { TokenCache } from '../../../sidecar/prompt/tokenizer/token-cache.ts';

describe('TokenCache', () => {
  it('gives only what was put in last for a text, within its bound', () => {
    const text = fc.string({ maxLength: 3 });
    const ids = fc.array(fc.nat(100_000), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, ids), { maxLength: 300 }), (entries) => {
        const cache = new TokenCache({ maxBytes: 2048 });
        const last = new Map<string, readonly number[]>();
        for (const [key, value] of entries) {
          cache.set(key, Int32Array.from(value));
          last.set(key, value);
        }
        for (const [key, value] of last) {
          const found = cache.get(key);
          expect(found === null || [...found].join() === value.join()).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the newest and gives up the oldest', () => {
    const cache = new TokenCache({ maxBytes: 64 * 1024 });
    const ids = new Int32Array(64);
    for (let index = 0; index < 2000; index++) cache.set(`text ${index}`, ids);

    const kept = Array.from({ length: 2000 }, (_, index) => cache.get(`text ${index}`) !== null);
    expect(kept.slice(0, -256).some(Boolean)).toBe(false);
    expect(kept.slice(-255).every(Boolean)).toBe(true);
  });

  it('does not keep what would push out most of the rest', () => {
    const cache = new TokenCache({ maxBytes: 4096 });
    cache.set('small', Int32Array.of(1));
    cache.set('large', new Int32Array(600));

    expect(cache.get('large')).toBeNull();
    expect(cache.get('small')).toEqual(Int32Array.of(1));
  });
});

/** Tokens are characters; counts how many it was given. */
const characterTokenizer = () => {
  const seen = { characters: 0 };
  const encode = (text: string) => {
    seen.characters += text.length;
    return Int32Array.from(text, (character) => character.codePointAt(0) ?? 0);
  };
  const tokenizer: Tokenizer = {
    path: 'exact',
    pathReason: null,
    vocabularySize: 0x110000,
    encode,
    encodePieces: (pieces) => encode(pieces.join('')),
  };
  return { seen, tokenizer };
};

describe('createCachedTokenizer', () => {
  it('gives the ids of the tokenizer it remembers for', () => {
    const { tokenizer } = characterTokenizer();
    const cached = createCachedTokenizer(tokenizer, { addedTokens: ['<a>', '<a>b', '|'], maxBytes: 1 << 20 });
    const piece = fc.oneof(fc.constantFrom('<a>', '<a>b', '|', '<', 'a', 'b'), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        expect(cached.encodePieces(pieces)).toEqual(tokenizer.encodePieces(pieces));
        expect(cached.encode(pieces.join(''), { addSpecialTokens: false })).toEqual(tokenizer.encodePieces(pieces));
      }),
      { numRuns: 500 },
    );
  });

  it('encodes of a growing conversation only what is new', () => {
    const { seen, tokenizer } = characterTokenizer();
    const cached = createCachedTokenizer(tokenizer, { addedTokens: ['<m>'], maxBytes: 1 << 20 });
    const message = (turn: number) => `<m>message ${turn} ${'x'.repeat(100)}`;
    let text = '';
    for (let turn = 0; turn < 20; turn++) {
      text += message(turn);
      cached.encodePieces([text]);
    }

    expect(seen.characters).toBe(text.length);
  });

  it('gives arrays that their callers may change', () => {
    const { tokenizer } = characterTokenizer();
    const cached = createCachedTokenizer(tokenizer, { addedTokens: [], maxBytes: 1 << 20 });
    cached.encodePieces(['abc']).fill(0);
    cached.encodePieces(['abc']).fill(0);

    expect(cached.encodePieces(['abc'])).toEqual(Int32Array.of(97, 98, 99));
  });
});
