import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../sidecar/core/index.ts';
import type { ScannerFamily } from '../../../../sidecar/prompt/tokenizer/core.ts';
import {
  createScanner,
  findFamily,
  GPT2_PATTERN,
} from '../../../../sidecar/prompt/tokenizer/pretokenizers/families.ts';
import { translatePattern } from '../../../../sidecar/prompt/tokenizer/pretokenizers/oniguruma-pattern.ts';
import { splitByPatterns } from '../../../../sidecar/prompt/tokenizer/pretokenizers/pattern-splitter.ts';
import { sliceEnd } from '../../../../sidecar/prompt/tokenizer/slices.ts';
import { shapedTokenizer } from '../../../support/tokenizer-shapes.ts';
import { edgeTexts, fuzzText } from '../../../support/tokenizer-texts.ts';

interface SplitPart {
  readonly type: string;
  readonly pattern?: { readonly Regex: string };
  readonly pretokenizers?: readonly SplitPart[];
}

/** Patterns of a shape's Splits, in order. */
const patternsOf = (shape: string): readonly string[] => {
  const collect = (part: SplitPart): readonly string[] =>
    part.pretokenizers?.flatMap(collect) ?? (part.pattern === undefined ? [] : [part.pattern.Regex]);
  return collect(JSON.parse(JSON.stringify(shapedTokenizer(shape)['pre_tokenizer'])));
};

const families: readonly (readonly [string, readonly string[]])[] = [
  ...['tiny-qwen', 'cl100k, three digits', 'cl100k, marks are letters', 'o200k', 'tekken', 'DeepSeek V3'].map(
    (shape) => [shape, patternsOf(shape)] as const,
  ),
  ['GPT-2', [GPT2_PATTERN]],
];

const familyOf = (patterns: readonly string[]): ScannerFamily => {
  const family = findFamily(patterns);
  if (family === null) throw new Error('no family has these patterns');
  return family;
};

const scan = (family: ScannerFamily, text: string): readonly string[] => {
  const scanner = createScanner(family);
  const bytes = Buffer.from(text);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = scanner(bytes, at, bytes.length);
    words.push(bytes.toString('utf8', at, end));
    at = end;
  }
  return words;
};

const texts = (count: number): readonly string[] => {
  const random = seededRandom(3);
  const pieces = [' word', 'Word', '123', '\n', '中文', 'です。', ' the', "'s", '!', '/', 'ÄÖ', 'ß', '\u0301'];
  return [...edgeTexts, ...Array.from({ length: count }, () => fuzzText(random, pieces))];
};

describe.each(families)('the scanner of %s', (_, patterns) => {
  const family = familyOf(patterns);

  it('splits as the patterns do', () => {
    const steps = patterns.map((pattern) => ({
      pattern: translatePattern(pattern),
      keepsMatches: true,
      keepsGaps: true,
    }));

    for (const text of texts(500)) expect(scan(family, text)).toEqual(splitByPatterns(text, steps));
  });

  it('splits slices as the whole', () => {
    const text = texts(400).join('');
    const bytes = Buffer.from(text);
    const words: string[] = [];
    let slices = 0;
    for (let at = 0; at < bytes.length; slices += 1) {
      const end = sliceEnd(bytes, at, bytes.length, 200);
      words.push(...scan(family, bytes.toString('utf8', at, end)));
      at = end;
    }

    expect(slices).toBeGreaterThan(50);
    expect(words).toEqual(scan(family, text));
  });
});

describe('findFamily', () => {
  it('knows patterns with raw newlines', () => {
    expect(findFamily(patternsOf('DeepSeek V3'))).toEqual({ kind: 'deepseek' });
  });

  it('knows no other patterns', () => {
    expect(findFamily(['\\p{L}+'])).toBeNull();
  });
});
