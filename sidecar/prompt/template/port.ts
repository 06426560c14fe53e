import type { JsonValue } from '../api/json-value.ts';
import type { EncodingPath } from '../types.ts';

/**
 * What one render of a chat template sees, already prepared as vLLM prepares it. Together these are the template's global
 * variables `messages`, `tools`, `documents`, `add_generation_prompt` and those of `variables`.
 */
export interface TemplateInput {
  readonly messages: readonly JsonValue[];
  /** Python's None where the request has none; the variable is then defined and none. */
  readonly tools: readonly JsonValue[] | null;
  /** As `tools`. */
  readonly documents: readonly JsonValue[] | null;
  readonly addGenerationPrompt: boolean;
  /**
   * All other variables: the tokenizer's special tokens (`bos_token` …), then the request's `chat_template_kwargs`. A name
   * that also stands above overrides nothing: the fields above win.
   */
  readonly variables: ReadonlyMap<string, JsonValue>;
}

/** Whether a template wants message content as one string or as OpenAI's list of parts; vLLM's `--chat-template-content-format`. */
export type ContentFormat = 'string' | 'openai';

/** One chat template, ready to render. Holds no state between renders. */
export interface ChatTemplate {
  /** How good the implementation is: `exact` for the own compiler, `package` for the published interpreter. */
  readonly path: EncodingPath;
  /** For other than `exact`, why. */
  readonly pathReason: string | null;
  /** What vLLM detects from the template: `openai` where it loops over a message's content. */
  readonly contentFormat: ContentFormat;
  /**
   * The prompt as pieces, in order; joined they are what transformers' `apply_chat_template(tokenize=False)` returns. Piece
   * borders have no meaning of their own: a piece may be empty, and a token may span several. Synchronous. Throws
   * SidecarError `template-failed` where the template calls `raise_exception` or Python would raise.
   */
  render(input: TemplateInput): readonly string[];
}
