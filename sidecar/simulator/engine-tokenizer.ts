import type { EncodedPrompt, PromptRequest } from '../prompt/index.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The model's own view of text: requests to token ids, generated tokens to text. */
export interface EngineTokenizer {
  /**
   * Token ids of a request's prompts: one for a chat, one a prompt for completions. `unknown` is answered with 400. Must
   * not throw.
   */
  encode(request: PromptRequest, options: { readonly loraName: string | null }): EncodedPrompt | Promise<EncodedPrompt>;
  readonly vocabulary: Vocabulary;
}
