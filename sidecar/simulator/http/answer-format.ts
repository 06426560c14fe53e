import type { ResolvedEngineOptions } from '../engine-options.ts';

/** Fields that every answer and chunk of one request begins with. */
export interface AnswerHead {
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  readonly model: string;
}

/** Why a choice ended, null while it goes on. */
export type FinishReason = 'length' | 'abort' | null;

/** A choice, or what is new of it. Token ids are null where the request did not ask for them. */
export interface ChoicePart {
  readonly index: number;
  readonly text: string;
  readonly tokenIds: readonly number[] | null;
  readonly promptTokenIds: readonly number[] | null;
  readonly finishReason: FinishReason;
}

/** Tokens of one request. */
export interface UsageCounts {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** Prompt tokens in blocks that this request stored; null where the API does not report them. */
  readonly createdTokens: number | null;
}

/** How one OpenAI API words answers; shapes are vLLM's (vllm/entrypoints/openai). */
export interface AnswerFormat {
  readonly api: 'chat' | 'completions';
  readonly idPrefix: string;
  /** Chunk that opens a choice of a stream, null where there is none. */
  opening(head: AnswerHead, part: ChoicePart): unknown;
  chunk(head: AnswerHead, part: ChoicePart): unknown;
  /** Last chunk of a stream that asked for usage. */
  usageChunk(head: AnswerHead, usage: unknown): unknown;
  answer(head: AnswerHead, choices: readonly ChoicePart[], usage: unknown): unknown;
}

/** `/v1/chat/completions`. */
export const chatFormat: AnswerFormat = {
  api: 'chat',
  idPrefix: 'chatcmpl-',
  opening: (head, { index, promptTokenIds }) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
    prompt_token_ids: promptTokenIds,
  }),
  chunk: (head, { index, text, tokenIds, finishReason }) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta: { content: text }, logprobs: null, finish_reason: finishReason, token_ids: tokenIds }],
  }),
  usageChunk: (head, usage) => ({ ...head, object: 'chat.completion.chunk', choices: [], usage }),
  answer: (head, choices, usage) => ({
    ...head,
    object: 'chat.completion',
    choices: choices.map(({ index, text, tokenIds, finishReason }) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null, tool_calls: [], reasoning: null },
      logprobs: null,
      finish_reason: finishReason,
      stop_reason: null,
      token_ids: tokenIds,
    })),
    usage,
    prompt_token_ids: choices[0]?.promptTokenIds ?? null,
    kv_transfer_params: null,
  }),
};

const completionChoice = ({ index, text, tokenIds, promptTokenIds, finishReason }: ChoicePart) => ({
  index,
  text,
  logprobs: null,
  finish_reason: finishReason,
  stop_reason: null,
  prompt_token_ids: promptTokenIds,
  token_ids: tokenIds,
});

/** `/v1/completions`. */
export const completionFormat: AnswerFormat = {
  api: 'completions',
  idPrefix: 'cmpl-',
  opening: () => null,
  chunk: (head, part) => ({ ...head, object: 'text_completion', choices: [completionChoice(part)] }),
  usageChunk: (head, usage) => ({ ...head, object: 'text_completion', choices: [], usage }),
  answer: (head, choices, usage) => ({
    ...head,
    object: 'text_completion',
    choices: choices.map(completionChoice),
    usage,
    kv_transfer_params: null,
  }),
};

/** The `usage` object in the words of the engine's release, with details as under `--enable-prompt-tokens-details`. */
export const formatUsage = (counts: UsageCounts, { generation }: ResolvedEngineOptions): unknown => {
  const { promptTokens, completionTokens, cachedTokens } = counts;
  const totals = {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
  };
  if (!generation.reportsMisses) {
    return { ...totals, prompt_tokens_details: cachedTokens > 0 ? { cached_tokens: cachedTokens } : null };
  }
  return {
    ...totals,
    prompt_tokens_details: {
      cached_tokens: cachedTokens,
      created_cache_tokens: counts.createdTokens,
      multimodal_tokens: null,
    },
    completion_tokens_details: null,
  };
};
