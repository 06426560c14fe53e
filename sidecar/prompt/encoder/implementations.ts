import type { Clock } from '../../core/index.ts';
import { compileChatTemplate } from '../template/index.ts';
import { createPackageTemplate } from '../template/package-template.ts';
import type { ChatTemplate } from '../template/port.ts';
import { createByteLevelBpe } from '../tokenizer/byte-level-bpe.ts';
import { createCachedTokenizer } from '../tokenizer/cached-tokenizer.ts';
import { createPackageTokenizer } from '../tokenizer/package-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/port.ts';
import { parsePreTokenizer } from '../tokenizer/pretokenizers/pre-tokenizer.ts';
import type { ModelFiles } from './model-files.ts';

/** What is at hand for a model's template or tokenizer; `unusable` says why nothing is. */
export type Choice<Implementation> =
  | { readonly kind: 'usable'; readonly implementation: Implementation }
  | { readonly kind: 'unusable'; readonly reason: string };

const messageOf = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

/** The own compiler's template where it takes the source, else the package's. */
export const chooseTemplate = (source: string, options: { readonly clock: Clock }): Choice<ChatTemplate> => {
  const outcome = compileChatTemplate(source, options);
  if (outcome.kind === 'compiled') return { kind: 'usable', implementation: outcome.template };
  if (outcome.kind === 'invalid') return { kind: 'unusable', reason: outcome.reason };
  try {
    return { kind: 'usable', implementation: createPackageTemplate(source, outcome) };
  } catch (failure) {
    return { kind: 'unusable', reason: `${outcome.reason}; the package says: ${messageOf(failure)}` };
  }
};

interface AddedTokenShape {
  readonly content: string;
  /** Whether it splits the text wherever it stands, before anything is normalized. */
  readonly splitsAnywhere: boolean;
}

const addedTokensOf = (tokenizer: unknown): readonly AddedTokenShape[] => {
  if (typeof tokenizer !== 'object' || tokenizer === null || !('added_tokens' in tokenizer)) return [];
  const { added_tokens: tokens } = tokenizer;
  if (!Array.isArray(tokens)) return [];
  return tokens.flatMap((token: unknown): readonly AddedTokenShape[] => {
    if (typeof token !== 'object' || token === null || !('content' in token)) return [];
    if (typeof token.content !== 'string') return [];
    const isSet = (flag: string): boolean => flag in token && Reflect.get(token, flag) === true;
    const flags = ['lstrip', 'rstrip', 'single_word', 'normalized'];
    return [{ content: token.content, splitsAnywhere: !flags.some(isSet) }];
  });
};

/** Added tokens by their text. */
export const addedTokenTexts = (tokenizer: unknown): readonly string[] =>
  addedTokensOf(tokenizer).map(({ content }) => content);

/** Whether text of a supported tokenizer can be cut between words: where a scanner splits it, and nothing is put in front. */
export const canCutBetweenWords = (tokenizer: unknown): boolean => {
  if (typeof tokenizer !== 'object' || tokenizer === null || !('pre_tokenizer' in tokenizer)) return false;
  const { kind, addsPrefixSpace } = parsePreTokenizer(tokenizer.pre_tokenizer);
  return kind === 'scanner' && !addsPrefixSpace;
};

/** Added tokens at which encoding can restart; none where a single one of them looks at its surroundings. */
const restartTokens = (tokenizer: unknown): readonly string[] => {
  const tokens = addedTokensOf(tokenizer);
  return tokens.every(({ splitsAnywhere }) => splitsAnywhere) ? tokens.map(({ content }) => content) : [];
};

/**
 * The own encoder, warmed, where it takes the files, else the package's with a cache of token ids of at most `cacheBytes`.
 * The own one has none but its cache of words: encoding words seen before costs about what a look-up of the text does.
 */
export const chooseTokenizer = (files: ModelFiles, options: { readonly cacheBytes: number }): Choice<Tokenizer> => {
  const own = createByteLevelBpe(files.tokenizer);
  if (own.kind === 'supported') {
    own.tokenizer.warm();
    return { kind: 'usable', implementation: own.tokenizer };
  }
  try {
    const whole = { tokenizer: files.tokenizer.parseWhole(), config: files.config };
    const tokenizer = createPackageTokenizer(whole, own);
    const addedTokens = restartTokens(files.tokenizer.rest);
    const implementation = createCachedTokenizer(tokenizer, { addedTokens, maxBytes: options.cacheBytes });
    return { kind: 'usable', implementation };
  } catch (failure) {
    return { kind: 'unusable', reason: `${own.reason}; the package says: ${messageOf(failure)}` };
  }
};
