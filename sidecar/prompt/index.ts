/**
 * prompt: request bytes → token ids, exactly as the engine makes them.
 * Written to by nobody; caches are its own.
 * Read by `routing`, `simulator` and `cli` (doctor).
 * Never throws for any bytes a client sends; says what it could not read.
 * Request shapes are OpenAI's and Anthropic's as vLLM serves them; templates are Jinja as the transformers library runs it.
 */
export { parseRequest } from './api/parse-request.ts';
export { createPromptEncoder, type PromptEncoderOptions } from './encoder/create-prompt-encoder.ts';
export type { RemoteTokenizer } from './encoder/remote-encoder.ts';
export { createRemoteTokenizer, type Fetch } from './encoder/remote-tokenizer.ts';
export { parseTemplateVariables } from './encoder/template-variables.ts';
export { createRequestReader, type ReaderFigures, type RequestReader } from './memo/request-reader.ts';
export { resolveTokenizer, type TokenizerSource } from './source/resolve-tokenizer.ts';
export type {
  ApiKind,
  EncodedPrompt,
  EncodingPath,
  ParsedRequest,
  PromptEncoder,
  PromptRequest,
  PromptSequence,
  TokenIdsMember,
} from './types.ts';
