import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseBpeModel } from '../../../../sidecar/prompt/tokenizer/bpe-model.ts';
import { LongWordMerger } from '../../../../sidecar/prompt/tokenizer/long-word-merger.ts';
import { MergeTable, NO_RANK } from '../../../../sidecar/prompt/tokenizer/merge-table.ts';
import { MAX_SCANNED_SYMBOLS, WordMerger } from '../../../../sidecar/prompt/tokenizer/word-merger.ts';
import { tinyQwen, written } from '../../../support/tokenizer-shapes.ts';

const { table } = parseBpeModel(tinyQwen.model, written(tinyQwen));

/** Byte-pair encoding by the book. */
const mergeByTheBook = (bytes: Uint8Array): readonly number[] => {
  const symbols = Array.from(bytes, (byte) => table.byteIds[byte] ?? 0);
  for (;;) {
    const ranks = symbols.slice(1).map((right, at) => table.rank(symbols[at] ?? 0, right));
    const lowest = Math.min(NO_RANK, ...ranks);
    if (lowest === NO_RANK) return symbols;
    symbols.splice(ranks.indexOf(lowest), 2, table.mergedIds[lowest] ?? 0);
  }
};

const idsOf = (merger: WordMerger | LongWordMerger, bytes: Uint8Array): readonly number[] => {
  const output = new Int32Array(bytes.length);
  return [...output.subarray(0, merger.merge(bytes, 0, bytes.length, output, 0))];
};

const words = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'etaoinsrh ='), minLength: 2, maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('中', '文', 'の', 'é', 'a'), minLength: 1, maxLength: 60 }),
  fc
    .tuple(fc.constantFrom('a', 'ab', ' ', '=', '中'), fc.integer({ min: 2, max: 90 }))
    .map(([text, times]) => text.repeat(times)),
);

describe('merging a word', () => {
  const merger = new WordMerger(table);
  const long = new LongWordMerger(table);

  it('gives what merging pair by pair gives, for short and long words', () => {
    fc.assert(
      fc.property(words, (word) => {
        const bytes = Buffer.from(word);

        expect(idsOf(merger, bytes)).toEqual(mergeByTheBook(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same by the tree of ranks, whatever the length before', () => {
    fc.assert(
      fc.property(words, (word) => {
        const bytes = Buffer.from(word.length < 2 ? 'ab' : word);

        expect(idsOf(long, bytes)).toEqual(mergeByTheBook(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('gives a byte its own id', () => {
    expect(idsOf(merger, Buffer.from('a'))).toEqual([table.byteIds[0x61]]);
  });

  it('takes time in proportion to the length', () => {
    const bytes = Buffer.from('ab'.repeat(MAX_SCANNED_SYMBOLS * 500));

    expect(idsOf(merger, bytes).length).toBeLessThan(bytes.length);
  });
});

describe('MergeTable', () => {
  it('lets the later of two merges of one pair count', () => {
    const byteIds = Int32Array.from({ length: 256 }, (_, byte) => byte);
    const merges = Int32Array.of(1, 2, 300, 3, 4, 301, 1, 2, 302);
    const twice = new MergeTable(byteIds, merges);

    expect([twice.rank(1, 2), twice.rank(3, 4), twice.rank(2, 1)]).toEqual([2, 1, NO_RANK]);
    expect(twice.mergedIds[2]).toBe(302);
  });
});
