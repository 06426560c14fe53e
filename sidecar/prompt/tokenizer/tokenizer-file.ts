import { type AddedToken, parseAddedTokens } from './added-tokens.ts';
import { type BpeModel, parseBpeModel } from './bpe-model.ts';
import { asList, asObject } from './json-shape.ts';
import { parsePostProcessor, type SpecialTokens } from './post-processor.ts';
import { type PreTokenizer, parsePreTokenizer } from './pretokenizers/pre-tokenizer.ts';
import type { TokenizerJson } from './tokenizer-json.ts';
import { unsupported } from './unsupported.ts';

/** What a byte-level `tokenizer.json` says. */
export interface TokenizerFile {
  readonly model: BpeModel;
  readonly addedTokens: readonly AddedToken[];
  readonly preTokenizer: PreTokenizer;
  readonly specialTokens: SpecialTokens;
  readonly normalizesToNfc: boolean;
}

/**
 * Reads the parts of a `tokenizer.json`; unsupported where one is not that of byte-level BPE. `truncation` and `padding` do not count: transformers sets its own at every call.
 */
export const parseTokenizerFile = (json: TokenizerJson): TokenizerFile => {
  const file = asObject(json.rest, 'tokenizer.json');
  const model = parseBpeModel(file['model'], json);
  return {
    model,
    addedTokens: parseAddedTokens(file['added_tokens'], model.vocabulary),
    preTokenizer: parsePreTokenizer(file['pre_tokenizer']),
    specialTokens: parsePostProcessor(file['post_processor']),
    normalizesToNfc: parseNormalizer(file['normalizer']),
  };
};

/** Whether the normalizer is NFC; false for none. */
const parseNormalizer = (value: unknown): boolean => {
  if (value === null || value === undefined) return false;
  const normalizer = asObject(value, 'normalizer');
  if (normalizer['type'] === 'NFC') return true;
  if (normalizer['type'] !== 'Sequence') return unsupported(`normalizer ${String(normalizer['type'])}`);
  return asList(normalizer['normalizers'], 'normalizers').map(parseNormalizer).includes(true);
};
