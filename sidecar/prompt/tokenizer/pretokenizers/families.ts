import type { ScannerFamily } from '../core.ts';
import { LETTER, MARK } from '../unicode/character-classes.ts';
import { createCl100kScanner } from './cl100k.ts';
import { createDeepSeekScanner } from './deepseek.ts';
import { createGpt2Scanner } from './gpt2.ts';
import { createO200kScanner } from './o200k.ts';
import type { WordScanner } from './scanner.ts';

/** The plain scanner of a family. */
export const createScanner = (family: ScannerFamily): WordScanner => {
  switch (family.kind) {
    case 'cl100k':
      return createCl100kScanner({ letters: family.takesMarks ? LETTER | MARK : LETTER, maxDigits: family.maxDigits });
    case 'o200k':
      return createO200kScanner(family);
    case 'deepseek':
      return createDeepSeekScanner();
    case 'gpt2':
      return createGpt2Scanner();
  }
};

/** The pattern of ByteLevel pre-tokenizers with `use_regex`. */
export const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const HEAD = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const TAIL = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const PREFIX = '[^\\r\\n\\p{L}\\p{N}]?';
const WHITE = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const numbers = (maxDigits: number): string => (maxDigits === 1 ? '\\p{N}' : `\\p{N}{1,${maxDigits}}`);

const cl100k = (maxDigits: number): string =>
  `${CONTRACTION}|${PREFIX}\\p{L}+|${numbers(maxDigits)}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${WHITE}`;

const cl100kWithMarks = (maxDigits: number): string =>
  `${CONTRACTION}|${PREFIX}[\\p{L}\\p{M}]+|${numbers(maxDigits)}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${WHITE}`;

const o200k = (contraction: string, maxDigits: number): string =>
  `${PREFIX}${HEAD}*${TAIL}+${contraction}|${PREFIX}${HEAD}+${TAIL}*${contraction}|${numbers(maxDigits)}` +
  `| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${WHITE}`;

const DEEPSEEK_PATTERNS = [
  '\\p{N}{1,3}',
  '[一-龥぀-ゟ゠-ヿ]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+' +
    `| ?[\\p{P}\\p{S}]+[\\r\\n]*|${WHITE}`,
];

const familyOfPatterns: ReadonlyMap<string, ScannerFamily> = (() => {
  const families = new Map<string, ScannerFamily>();
  for (const maxDigits of [1, 3]) {
    families.set(cl100k(maxDigits), { kind: 'cl100k', takesMarks: false, maxDigits });
    families.set(cl100kWithMarks(maxDigits), { kind: 'cl100k', takesMarks: true, maxDigits });
    families.set(o200k(`${CONTRACTION}?`, maxDigits), { kind: 'o200k', takesContractions: true, maxDigits });
    families.set(o200k('', maxDigits), { kind: 'o200k', takesContractions: false, maxDigits });
  }
  families.set(DEEPSEEK_PATTERNS.join('\n'), { kind: 'deepseek' });
  families.set(GPT2_PATTERN, { kind: 'gpt2' });
  return families;
})();

/** Spells control characters as escapes, as some files have them raw. */
const withEscapes = (pattern: string): string => pattern.replaceAll('\r', '\\r').replaceAll('\n', '\\n');

/** The family whose scanner splits as these patterns do, one after the other; null where there is none. */
export const findFamily = (patterns: readonly string[]): ScannerFamily | null =>
  familyOfPatterns.get(patterns.map(withEscapes).join('\n')) ?? null;
