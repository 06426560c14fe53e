import type { ScannerFamily } from '../core.ts';
import { asList, asObject, asString, flag, type JsonObject } from '../json-shape.ts';
import { propertySet, toPatternClass, union } from '../unicode/code-point-set.ts';
import { laterDigits } from '../unicode/unicode-data.ts';
import { unsupported } from '../unsupported.ts';
import { findFamily, GPT2_PATTERN } from './families.ts';
import { translatePattern } from './oniguruma-pattern.ts';
import type { SplitStep } from './pattern-splitter.ts';

/** How a `tokenizer.json` splits text into words. */
export type PreTokenizer = {
  /** Whether text that does not begin with a space is given one. */
  readonly addsPrefixSpace: boolean;
} & (
  | { readonly kind: 'scanner'; readonly family: ScannerFamily }
  | { readonly kind: 'patterns'; readonly steps: readonly SplitStep[] }
);

/** One step as the file has it; the pattern is null where it is made of what is not in the file. */
interface Step {
  readonly pattern: string | null;
  readonly create: () => SplitStep;
  readonly isTotal: boolean;
}

/**
 * Reads `pre_tokenizer`: Splits and Digits, then ByteLevel. The patterns of known families get their scanner, others are
 * translated; unsupported where that is not possible.
 */
export const parsePreTokenizer = (value: unknown): PreTokenizer => {
  const parts = flatten(value);
  const byteLevel = parts.pop();
  if (byteLevel?.['type'] !== 'ByteLevel') return unsupported('a pre-tokenizer that does not end with ByteLevel');
  const addsPrefixSpace = flag(byteLevel, 'add_prefix_space', true);
  const steps = parts.map(parseStep);
  if (flag(byteLevel, 'use_regex', true)) steps.push(isolated(GPT2_PATTERN));
  if (addsPrefixSpace && parts.length > 0) return unsupported('add_prefix_space after a split');
  const patterns = steps.map(({ pattern }) => pattern ?? '');
  const family = steps.every(({ isTotal }) => isTotal) ? findFamily(patterns) : null;
  if (family !== null) return { kind: 'scanner', family, addsPrefixSpace };
  return { kind: 'patterns', steps: steps.map(({ create }) => create()), addsPrefixSpace };
};

const flatten = (value: unknown): JsonObject[] => {
  const part = asObject(value, 'pre_tokenizer');
  return part['type'] === 'Sequence' ? asList(part['pretokenizers'], 'pretokenizers').flatMap(flatten) : [part];
};

const isolated = (pattern: string): Step => ({
  pattern,
  create: () => ({ pattern: translatePattern(pattern), keepsMatches: true, keepsGaps: true }),
  isTotal: true,
});

const parseStep = (part: JsonObject): Step => {
  if (part['type'] === 'Digits') return digits(flag(part, 'individual_digits', false));
  if (part['type'] !== 'Split') return unsupported(`pre-tokenizer ${String(part['type'])}`);
  const source = asObject(part['pattern'], 'split pattern');
  const pattern =
    source['Regex'] === undefined
      ? asString(source['String'], 'split pattern').replace(/[\\^$.*+?()[\]{}|-]/g, '\\$&')
      : asString(source['Regex'], 'split pattern');
  const behavior = asString(part['behavior'], 'split behavior');
  if (behavior === 'Isolated') return isolated(pattern);
  if (behavior !== 'Removed') return unsupported(`split behavior ${behavior}`);
  const keepsMatches = flag(part, 'invert', false);
  const create = () => ({ pattern: translatePattern(pattern), keepsMatches, keepsGaps: !keepsMatches });
  // The patterns of all families but DeepSeek's match every character, so that there are no gaps to remove.
  return { pattern, create, isTotal: keepsMatches && findFamily([pattern]) !== null };
};

const digits = (isIndividual: boolean): Step => ({
  pattern: null,
  create: () => {
    const numbers = union(propertySet('N') ?? [], ...laterDigits.map((codePoint) => [codePoint, codePoint]));
    const pattern = new RegExp(`${toPatternClass(numbers)}${isIndividual ? '' : '+'}`, 'gu');
    return { pattern, keepsMatches: true, keepsGaps: true };
  },
  isTotal: true,
});
