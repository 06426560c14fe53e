import { describe, expect, it } from '@jest/globals';
import { byteOfCharacter, writeEntryBytes } from '../../../../sidecar/prompt/tokenizer/byte-alphabet.ts';
import { parsePostProcessor } from '../../../../sidecar/prompt/tokenizer/post-processor.ts';
import { sliceEnd } from '../../../../sidecar/prompt/tokenizer/slices.ts';
import { TokenArena } from '../../../../sidecar/prompt/tokenizer/token-arena.ts';
import {
  CASELESS,
  characterClasses,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  OTHER,
  SPACE,
  SYMBOL,
  UPPER,
} from '../../../../sidecar/prompt/tokenizer/unicode/character-classes.ts';
import { complement, propertySet, union } from '../../../../sidecar/prompt/tokenizer/unicode/code-point-set.ts';
import {
  characterBefore,
  codePointAt,
  endsInsideCharacter,
  widthOf,
} from '../../../../sidecar/prompt/tokenizer/unicode/utf8.ts';

describe('character classes', () => {
  it.each([
    ['a', LOWER],
    ['ß', LOWER],
    ['A', UPPER],
    ['ǅ', UPPER],
    ['中', CASELESS],
    ['ʰ', CASELESS],
    ['\u0301', MARK],
    ['Ⅷ', NUMBER],
    ['。', SYMBOL],
    ['$', SYMBOL],
    ['\u3000', SPACE],
    ['\u0085', SPACE],
    ['\r', NEWLINE],
    ['\ufeff', OTHER],
    ['\u{11de0}', OTHER],
  ])('are those of Unicode 16: %j', (character, expected) => {
    expect(characterClasses()[character.codePointAt(0) ?? 0]).toBe(expected);
  });
});

describe('code point sets', () => {
  it('join and complement', () => {
    expect(union([5, 9], [1, 4], [20, 30], [25, 26])).toEqual([1, 9, 20, 30]);
    expect(complement([0, 4, 10, 0x10ffff])).toEqual([5, 9]);
  });

  it('are known by category and script, not by other names', () => {
    expect(propertySet('Zl')).toEqual([0x2028, 0x2028]);
    expect(propertySet('Hiragana')?.[0]).toBe(0x3041);
    expect(propertySet('Emoji')).toBeNull();
    expect(propertySet('Xx')).toBeNull();
  });
});

describe('UTF-8', () => {
  it.each(['a', 'é', '中', '😀'])('is decoded: %s', (character) => {
    const bytes = Buffer.from(`x${character}`);

    expect(codePointAt(bytes, 1)).toBe(character.codePointAt(0));
    expect(widthOf(bytes[1] ?? 0)).toBe(bytes.length - 1);
    expect(characterBefore(bytes, 0, bytes.length)).toBe(1);
    expect(endsInsideCharacter(bytes, 0, bytes.length)).toBe(false);
    expect(endsInsideCharacter(bytes, 0, bytes.length - 1)).toBe(bytes.length > 2);
  });
});

describe('the byte alphabet', () => {
  it('has a character for each byte', () => {
    const bytes = Array.from({ length: 0x144 }, (_, code) => byteOfCharacter(code)).filter((byte) => byte >= 0);

    expect([...bytes].sort((a, b) => a - b)).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
  });

  it('spells entries, and none that hold other characters or are too long', () => {
    const into = new Uint8Array(4);
    const spell = (entry: string): number => writeEntryBytes(Buffer.from(entry), 0, Buffer.byteLength(entry), into);

    expect([spell('Ġab'), [...into.subarray(0, 3)]]).toEqual([3, [0x20, 0x61, 0x62]]);
    expect(spell('中')).toBe(-1);
    expect(spell('abcde')).toBe(-1);
  });
});

describe('slices', () => {
  const cut = (text: string, maxBytes: number): string => {
    const bytes = Buffer.from(text);
    return bytes.toString('utf8', 0, sliceEnd(bytes, 0, bytes.length, maxBytes));
  };

  it.each([
    ['all of what fits', 'short', 10, 'short'],
    ['before a space', 'one two three', 9, 'one two'],
    ['before a CJK comma', '你好，世界和平', 12, '你好'],
    ['never before an apostrophe', "it don't", 6, 'it'],
    ['further on where there is no place', `${'x'.repeat(50)} ${'y'.repeat(60)}`, 20, `${'x'.repeat(50)}`],
    ['at the end where there is none at all', '1234567890'.repeat(3), 4, '1234567890'.repeat(3)],
  ])('end %s', (_, text, maxBytes, expected) => {
    expect(cut(text, maxBytes)).toBe(expected);
  });
});

describe('TokenArena', () => {
  it('grows and keeps what is in it', () => {
    const arena = new TokenArena(2);
    const many = Int32Array.from({ length: 100 }, (_, at) => at);
    arena.push(7);
    arena.append(many, 3);
    arena.append(many, 100);

    expect([...arena.toArray()]).toEqual([7, 0, 1, 2, ...many]);
    arena.truncate(2);
    expect([...arena.toArray()]).toEqual([7, 0]);
  });
});

describe('post-processors', () => {
  const template = (single: readonly object[]) => ({
    type: 'TemplateProcessing',
    single,
    special_tokens: { s: { ids: [5, 6] } },
  });
  const text = { Sequence: { id: 'A' } };
  const special = { SpecialToken: { id: 's' } };

  it.each([
    ['none', null, [], []],
    ['ByteLevel', { type: 'ByteLevel' }, [], []],
    ['a template', template([special, text, special]), [5, 6], [5, 6]],
    ['RoBERTa’s', { type: 'RobertaProcessing', cls: ['<s>', 1], sep: ['</s>', 2] }, [1], [2]],
    [
      'a sequence, the later around the earlier',
      {
        type: 'Sequence',
        processors: [template([special, text]), { type: 'BertProcessing', cls: ['c', 1], sep: ['s', 2] }],
      },
      [1, 5, 6],
      [2],
    ],
  ])('put tokens around a text: %s', (_, value, before, after) => {
    expect(parsePostProcessor(value)).toEqual({ before, after });
  });

  it('are refused where a template has no text or two', () => {
    expect(() => parsePostProcessor(template([special]))).toThrow('exactly one text');
    expect(() => parsePostProcessor(template([text, text]))).toThrow('exactly one text');
  });
});
