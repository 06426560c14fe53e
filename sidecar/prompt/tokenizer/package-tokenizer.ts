import { Tokenizer as PackageTokenizer } from '@huggingface/tokenizers';
import { SidecarError } from '../../core/index.ts';
import type { Tokenizer } from './port.ts';

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * A tokenizer run by the published package `@huggingface/tokenizers`, for vocabularies that the own encoder does not take
 * (Unigram, WordPiece, SentencePiece-like BPE). Takes the parsed `tokenizer.json` and `tokenizer_config.json`; `reason`
 * says why it is used. Throws SidecarError `tokenizer-unavailable` where the package does not take them.
 */
export const createPackageTokenizer = (
  files: { readonly tokenizer: unknown; readonly config: unknown },
  options: { readonly reason: string },
): Tokenizer => {
  let tokenizer: PackageTokenizer;
  let vocabularySize = 0;
  try {
    if (!isRecord(files.tokenizer)) throw new SidecarError('tokenizer-unavailable', 'tokenizer.json is not an object');
    tokenizer = new PackageTokenizer(files.tokenizer, isRecord(files.config) ? files.config : {});
    for (const id of tokenizer.get_vocab().values()) vocabularySize = Math.max(vocabularySize, id + 1);
  } catch (failure) {
    throw SidecarError.from(failure, 'tokenizer-unavailable');
  }
  const encode = (text: string, addSpecialTokens: boolean): Int32Array =>
    Int32Array.from(tokenizer.encode(text.toWellFormed(), { add_special_tokens: addSpecialTokens }).ids);
  return {
    path: 'package',
    pathReason: options.reason,
    vocabularySize,
    encode: (text, { addSpecialTokens }) => encode(text, addSpecialTokens),
    encodePieces: (pieces) => encode(pieces.join(''), false),
  };
};
