import type { BlockKeys, KeySeed, PromptIdentity } from '../kvindex/index.ts';
import type { PromptSource } from './api/prompt-source.ts';
import type { ChatTurn } from './memo/conversation-record.ts';

/** APIs whose prompts are understood; `other` is routed by load. */
export type ApiKind =
  | 'chat'
  | 'completions'
  | 'responses'
  | 'messages'
  | 'count-tokens'
  | 'embeddings'
  | 'generate'
  | 'tokenize'
  | 'other';

/**
 * The member of a body in which an engine takes a prompt's token ids: `kv_transfer_params.prompt_token_ids` beside the messages
 * of a chat (vLLM 0.27 and later), `prompt` in place of a completion's text.
 */
export type TokenIdsMember = 'kv_transfer_params' | 'prompt';

/** Request bytes as an edge got them. */
export interface PromptRequest {
  /** Path with or without query; null where the edge does not know it (the API is then told from the body's shape). */
  readonly path: string | null;
  readonly body: Uint8Array;
  /** False when the body was cut off. */
  readonly isComplete: boolean;
}

/** What a body says before any tokenizer is consulted. Never throws for any bytes. */
export interface ParsedRequest {
  readonly api: ApiKind;
  /** The request's `model`, null where it is absent or not reached. */
  readonly model: string | null;
  readonly isStreaming: boolean;
  /** `session_id`, `user` or the like, null where absent. */
  readonly sessionId: string | null;
  /** False for requests that do not read the prefix cache (`prompt_logprobs`). */
  readonly readsCache: boolean;
  /** Where the engine takes the prompt's ids and answers as without them; null where it does not. */
  readonly tokenIdsMember: TokenIdsMember | null;
  /** Why the prompt cannot be encoded, null where it can be tried. */
  readonly unreadable: string | null;
  readonly bodyBytes: number;
  /** What the encoder works on; absent where `unreadable` says why there is nothing. Of no use to others. */
  readonly prompt?: ReadPrompt;
}

/** A prompt as read from a body, and the request it came in. */
export interface ReadPrompt {
  readonly source: PromptSource;
  readonly path: string | null;
  readonly body: Uint8Array;
  /** False where the body ended before the document did. */
  readonly isBodyWhole: boolean;
  /** The conversation that it goes on with, where a reader remembers it. */
  readonly turn?: ChatTurn;
}

/** One sequence of a request; completions may hold several. */
export interface PromptSequence {
  /** The engine's own token ids. */
  readonly tokenIds: Int32Array;
  readonly identity: PromptIdentity;
  /** False when only a prefix of the prompt is known (cut-off body, image without processor). */
  readonly isWhole: boolean;
  /**
   * Of a prompt that is not whole: how many of its tokens stand whatever follows the cut, barring members that replace the
   * prompt (`truncate_prompt_tokens`, `kv_transfer_params`). The others are the likely ones. Absent where all stand.
   */
  readonly certainTokens?: number;
  /** Length of `tokenIds`, where those are made only when they are asked for; else absent. */
  readonly tokenCount?: number;
  /**
   * Keys of the prompt's full blocks where they are kept from turn to turn, equal to those that `computeBlockKeys` gives
   * for `tokenIds` and `identity`; absent elsewhere. Costs what is new in the prompt. To be asked at once, not later.
   */
  blockKeys?(options: { readonly blockSize: number; readonly seed: KeySeed }): BlockKeys;
}

/** How token ids were found; shown in decisions. */
export type EncodingPath = 'exact' | 'package' | 'remote' | 'text-chunks';

/** A request's prompt as tokens, or why there are none. */
export type EncodedPrompt =
  | { readonly kind: 'encoded'; readonly sequences: readonly PromptSequence[]; readonly path: EncodingPath }
  | { readonly kind: 'unknown'; readonly why: string };

/** Tokenizer and chat template of one model. */
export interface PromptEncoder {
  /** Where tokens come from, and for other than `exact`, why. */
  readonly path: EncodingPath;
  readonly pathReason: string | null;
  /**
   * The engine's token ids for a parsed request; `loraName` is set where the request's model is an adapter. Bad input
   * gives `unknown`, never a throw. Synchronous unless the path is `remote`, or `mayWait` allows that long new text is
   * encoded in slices of a millisecond.
   */
  encode(
    request: ParsedRequest,
    options: { readonly loraName: string | null; readonly mayWait?: boolean },
  ): EncodedPrompt | Promise<EncodedPrompt>;
}
