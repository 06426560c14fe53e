import type { ObservedUsage } from '../routing/index.ts';

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;

const tokensIn = (value: unknown, key: string): number | null => {
  const count = isObject(value) ? value[key] : undefined;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
};

/** The parts of a `usage` object that were present. */
export interface PartialUsage {
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly completionTokens: number | null;
}

// Anthropic counts tokens read from and written to the cache apart from `input_tokens`.
const parseAnthropicUsage = (usage: JsonObject): PartialUsage => {
  const inputTokens = tokensIn(usage, 'input_tokens');
  const cachedTokens = tokensIn(usage, 'cache_read_input_tokens');
  const writtenTokens = tokensIn(usage, 'cache_creation_input_tokens') ?? 0;
  return {
    promptTokens: inputTokens === null ? null : inputTokens + (cachedTokens ?? 0) + writtenTokens,
    cachedTokens,
    completionTokens: tokensIn(usage, 'output_tokens'),
  };
};

/**
 * Reads a `usage` object of OpenAI's chat completions and completions (`prompt_tokens`, `prompt_tokens_details`), of its
 * Responses API (`input_tokens`, `input_tokens_details`) or of Anthropic's Messages API (`cache_read_input_tokens`).
 * Null when it is none of them. A null `prompt_tokens_details` leaves the cached tokens unknown.
 */
export const parseUsage = (value: unknown): PartialUsage | null => {
  if (!isObject(value)) return null;
  if (tokensIn(value, 'prompt_tokens') !== null) {
    return {
      promptTokens: tokensIn(value, 'prompt_tokens'),
      cachedTokens: tokensIn(value['prompt_tokens_details'], 'cached_tokens'),
      completionTokens: tokensIn(value, 'completion_tokens'),
    };
  }
  if (tokensIn(value, 'input_tokens') === null && tokensIn(value, 'output_tokens') === null) return null;
  if (!isObject(value['input_tokens_details'])) return parseAnthropicUsage(value);
  return {
    promptTokens: tokensIn(value, 'input_tokens'),
    cachedTokens: tokensIn(value['input_tokens_details'], 'cached_tokens'),
    completionTokens: tokensIn(value, 'output_tokens'),
  };
};

/** Lays a later report over an earlier one; Anthropic's streams say the input first and the output at the end. */
export const mergeUsage = (earlier: ObservedUsage | null, later: PartialUsage): ObservedUsage | null => {
  const promptTokens = later.promptTokens ?? earlier?.promptTokens ?? null;
  if (promptTokens === null) return null;
  return {
    promptTokens,
    cachedTokens: later.cachedTokens ?? earlier?.cachedTokens ?? null,
    completionTokens: later.completionTokens ?? earlier?.completionTokens ?? 0,
  };
};
