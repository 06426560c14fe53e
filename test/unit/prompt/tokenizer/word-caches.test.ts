import { describe, expect, it } from '@jest/globals';
import { ByteKeyTable } from '../../../../sidecar/prompt/tokenizer/byte-key-table.ts';
import { LongWordCache } from '../../../../sidecar/prompt/tokenizer/long-word-cache.ts';
import { ShortWordCache } from '../../../../sidecar/prompt/tokenizer/short-word-cache.ts';

const output = new Int32Array(1024);

const written = (count: number): readonly number[] => [...output.subarray(0, Math.max(count, 0))];

describe('ShortWordCache', () => {
  const paddedView = (word: string) => {
    const bytes = Buffer.alloc(40, 0xee);
    const length = bytes.write(word);
    return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), length };
  };
  const remember = (cache: ShortWordCache, word: string, ids: readonly number[]): void => {
    const { view, length } = paddedView(word);
    output.set(ids);
    cache.insert(view, 0, length, output, 0, ids.length);
  };
  const recall = (cache: ShortWordCache, word: string): readonly number[] | null => {
    const { view, length } = paddedView(word);
    output.fill(-7);
    const count = cache.find(view, 0, length, output, 0);
    return count < 0 ? null : written(count);
  };

  it.each([1, 3, 4, 5, 8, 9, 12, 13, 15, 16])('gives back the ids of a word of %d bytes', (length) => {
    const cache = new ShortWordCache(4);
    const word = 'abcdefghijklmnop'.slice(0, length);
    const ids = Array.from({ length }, (_, at) => 1000 + at);
    remember(cache, word, ids);

    expect(recall(cache, word)).toEqual(ids);
    expect(recall(cache, `${word.slice(1)}z`)).toBeNull();
  });

  it('tells words with zero bytes from shorter ones', () => {
    const cache = new ShortWordCache(4);
    remember(cache, 'a\0', [1]);
    remember(cache, 'a', [2]);

    expect([recall(cache, 'a'), recall(cache, 'a\0'), recall(cache, 'a\0\0')]).toEqual([[2], [1], null]);
  });

  it('starts anew when full and never gives wrong ids', () => {
    const cache = new ShortWordCache(6);
    const sizes: number[] = [];
    for (let word = 0; word < 500; word += 1) {
      remember(cache, `w${word}`, [word, word + 1, word + 2, word + 3]);
      sizes.push(cache.size);
      expect(recall(cache, `w${word}`)).toEqual([word, word + 1, word + 2, word + 3]);
    }
    const recalled = Array.from({ length: 500 }, (_, word) => recall(cache, `w${word}`));

    expect(Math.max(...sizes)).toBeLessThanOrEqual(44);
    expect(recalled.every((ids, word) => ids === null || ids[0] === word)).toBe(true);
  });
});

describe('LongWordCache', () => {
  it('keeps words of 17 to 512 bytes', () => {
    expect([16, 17, 512, 513].map((length) => LongWordCache.takes(length))).toEqual([false, true, true, false]);
  });

  it('gives back ids, and starts anew when its bytes are used up', () => {
    const cache = new LongWordCache(4);
    for (let word = 0; word < 100; word += 1) {
      const bytes = Buffer.from(`a rather long word ${word} ${'x'.repeat(word)}`);
      output.set([word, word + 1]);
      cache.insert(bytes, 0, bytes.length, output, 0, 2);
      output.fill(-7);

      expect(written(cache.find(bytes, 0, bytes.length, output, 0))).toEqual([word, word + 1]);
    }
  });
});

describe('ByteKeyTable', () => {
  it('finds keys by their bytes, and none that is not there', () => {
    const table = new ByteKeyTable(6, 1000);
    const keys = Array.from({ length: 40 }, (_, at) => Buffer.from(`key ${at * 7}`));
    for (const [value, key] of keys.entries()) table.insert(key, 0, key.length, value);
    const absent = Buffer.from('key 1');

    expect(keys.map((key) => table.find(key, 0, key.length))).toEqual(keys.map((_, value) => value));
    expect(table.find(absent, 0, absent.length)).toBe(-1);
    expect(table.size).toBe(40);
  });

  it('says when there is no room for entries or for bytes', () => {
    const few = new ByteKeyTable(1, 1000);
    few.insert(Buffer.from('a'), 0, 1, 0);
    few.insert(Buffer.from('b'), 0, 1, 1);

    expect(few.hasRoomFor(1)).toBe(false);
    expect(new ByteKeyTable(4, 3).hasRoomFor(4)).toBe(false);
    few.clear();
    expect(few.hasRoomFor(1)).toBe(true);
  });
});
