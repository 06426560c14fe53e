import type { EncodingPath } from '../types.ts';

/** Choices of one call of {@link Tokenizer.encode}. */
export interface EncodeOptions {
  /** Whether the post-processor adds its tokens (a BOS, say), as Hugging Face's `add_special_tokens`. */
  readonly addSpecialTokens: boolean;
}

/**
 * Text → token ids as Hugging Face tokenizers makes them from the same `tokenizer.json`. Added and special tokens written
 * in the text are recognized. Implementations may cache words; results never depend on earlier calls. Lone surrogates
 * count as U+FFFD. Synchronous; never throws for any text.
 */
export interface Tokenizer {
  /** How good the implementation is: `exact` for the own encoder, `package` for the published one. */
  readonly path: EncodingPath;
  /** For other than `exact`, why. */
  readonly pathReason: string | null;
  /** One more than the highest token id. */
  readonly vocabularySize: number;
  /** Ids of a whole text. The array is the caller's own. */
  encode(text: string, options: EncodeOptions): Int32Array;
  /** Ids of the pieces' concatenation without special tokens added; same as `encode(pieces.join(''), {addSpecialTokens: false})`. */
  encodePieces(pieces: readonly string[]): Int32Array;
}
