import { createPromptEncoder, parseRequest } from '../prompt/index.ts';
import { type EngineTokenizer, loadTinyQwenVocabulary, tinyQwenFolder } from '../simulator/index.ts';

/** The embedded model's tokenizer, from the same files and code that the sidecar uses. */
export const createEmbeddedTokenizer = async (): Promise<EngineTokenizer> => {
  const [encoder, vocabulary] = await Promise.all([
    createPromptEncoder({ folder: tinyQwenFolder }),
    loadTinyQwenVocabulary(),
  ]);
  return { encode: (request, options) => encoder.encode(parseRequest(request), options), vocabulary };
};
