import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isCertainlyNfc, toNfc } from '../../../../sidecar/prompt/tokenizer/nfc.ts';

const isCertain = (text: string): boolean => {
  const bytes = Buffer.from(text);
  return isCertainlyNfc(bytes, 0, bytes.length);
};

describe('isCertainlyNfc', () => {
  it.each([
    ['ASCII', 'plain text'],
    ['composed letters', 'café Å naïve'],
    ['CJK', '中文かなカナ한국어'],
    ['one mark after a letter', 'नमस्ते ที่'],
    ['emoji', '👩\u200d👩\u200d👧'],
  ])('is sure of %s', (_, text) => {
    expect(isCertain(text)).toBe(true);
  });

  it.each([
    ['a mark that composes', 'e\u0301'],
    ['a character that decomposes', '\u212b'],
    ['Hangul in parts', '\u1100\u1161'],
    ['two marks in a row', 'q\u0e48\u0e38'],
  ])('suspects %s', (_, text) => {
    expect(isCertain(text)).toBe(false);
  });

  it('is sure only of text that normalization does not change', () => {
    const mark = fc.integer({ min: 0x300, max: 0x36f }).map((code) => String.fromCodePoint(code));
    const known = fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCodePoint(code));
    fc.assert(
      fc.property(fc.array(fc.oneof(mark, known, fc.string({ unit: 'grapheme' })), { maxLength: 12 }), (parts) => {
        const text = parts.join('').toWellFormed();
        if (isCertain(text)) expect(toNfc(text)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('toNfc', () => {
  it('composes and orders what the engines’ tables know', () => {
    expect(toNfc('e\u0301 q\u0307\u0323 \u1100\u1161')).toBe('é q\u0323\u0307 가');
  });

  it.each([
    ['a composition of Unicode 16', '\u{105d2}\u0307'],
    ['the order of marks of Unicode 11', 'q\u07fd\u0301\u0334'.slice(0, 3)],
    ['a decomposition of Unicode 13', '\u{11938}'],
  ])('leaves alone what they do not know: %s', (_, text) => {
    expect(toNfc(text)).toBe(text);
  });
});
