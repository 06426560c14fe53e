import type { IncomingHttpHeaders } from 'node:http';
import type { LoraAdapter } from '../cache-event.ts';
import type { ResolvedEngineOptions } from '../engine-options.ts';
import { badRequest, unknownModel } from './api-error.ts';
import {
  type JsonObject,
  optionalBoolean,
  optionalCount,
  optionalObject,
  optionalString,
  optionalTokenIds,
} from './request-body.ts';

/** What a completion or chat request asks for besides its prompt. */
export interface GenerationParams {
  /** The model's name as the answer repeats it. */
  readonly model: string;
  readonly lora: LoraAdapter | null;
  readonly maxTokens: number;
  /** Answers to each prompt. */
  readonly choices: number;
  readonly isStreaming: boolean;
  readonly includesUsage: boolean;
  readonly returnsTokenIds: boolean;
  readonly salt: string | null;
  readonly sessionId: string | null;
  readonly readsCache: boolean;
  readonly reportsHits: boolean;
  /** Token ids that stand in for the prompt. */
  readonly promptTokenIds: Int32Array | null;
}

/** Tokens generated where the request says nothing (OpenAI's default for completions, here for chats too). */
const defaultMaxTokens = 16;

/** The served model or adapter called `name`; refuses others with 404. */
export const findModel = (
  name: string | null,
  options: ResolvedEngineOptions,
): { readonly model: string; readonly lora: LoraAdapter | null } => {
  if (name === null || name === options.model) return { model: options.model, lora: null };
  const adapter = options.loraAdapters.indexOf(name);
  if (adapter < 0) throw unknownModel(name);
  return { model: name, lora: { id: adapter + 1, name } };
};

const saltOf = (body: JsonObject): string | null => {
  const salt = optionalString(body, 'cache_salt');
  if (salt === '') throw badRequest("Parameter 'cache_salt' must be a non-empty string if provided.", 'cache_salt');
  return salt;
};

const sessionOf = (body: JsonObject, headers: IncomingHttpHeaders): string | null => {
  const header = headers['x-session-id'];
  return optionalString(body, 'session_id') ?? (typeof header === 'string' ? header : null);
};

/** Reads a request's parameters. Throws an ApiError for what vLLM refuses too; unknown fields are ignored. */
export const readGenerationParams = (
  body: JsonObject,
  headers: IncomingHttpHeaders,
  options: ResolvedEngineOptions,
): GenerationParams => {
  const { takesPromptTokenIds, namesSessions } = options.generation;
  const transfer = takesPromptTokenIds ? optionalObject(body, 'kv_transfer_params') : {};
  return {
    ...findModel(optionalString(body, 'model'), options),
    maxTokens: optionalCount(body, 'max_completion_tokens') ?? optionalCount(body, 'max_tokens') ?? defaultMaxTokens,
    choices: optionalCount(body, 'n') ?? 1,
    isStreaming: optionalBoolean(body, 'stream'),
    includesUsage: optionalBoolean(optionalObject(body, 'stream_options'), 'include_usage'),
    returnsTokenIds: optionalBoolean(body, 'return_token_ids'),
    salt: saltOf(body),
    sessionId: namesSessions ? sessionOf(body, headers) : null,
    readsCache: (body['prompt_logprobs'] ?? null) === null,
    reportsHits: optionalObject(body, 'vllm_xargs')['kv_cache_report_mode'] === 'full',
    promptTokenIds: optionalTokenIds(transfer, 'prompt_token_ids'),
  };
};
