import type { MultimodalItem } from '../../kvindex/index.ts';
import type { JsonObject, JsonValue } from './json-value.ts';

/** One part of a message's content, as vLLM tells them apart. */
export type ContentPart =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** Members that no OpenAI part has; they reach templates that loop over parts. */
      readonly extra: JsonObject | null;
    }
  | { readonly kind: 'media'; readonly modality: 'image' | 'audio' | 'video'; readonly extra: JsonObject | null }
  | { readonly kind: 'tool-reference'; readonly name: string };

/** One message, checked and with the parts that a template may see; its content's final form depends on the template. */
export interface ChatMessage {
  readonly role: string;
  readonly content: readonly ContentPart[];
  /** Members that stand after `content` where a template sees them, in that order (`tool_calls`, `reasoning` …). */
  readonly members: JsonObject;
}

/** Whether a message has parts whose tokens only the model's processor knows. */
export const hasMediaPart = ({ content }: ChatMessage): boolean => content.some(({ kind }) => kind === 'media');

/** A conversation to be rendered by the chat template. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
  /** Tools as vLLM dumps them, null where there are none. */
  readonly tools: readonly JsonValue[] | null;
  /** Whether `tool_choice` is `none`; some servers then leave the tools out. */
  readonly choosesNoTool: boolean;
  readonly documents: readonly JsonValue[] | null;
  /** The request's `chat_template_kwargs`. */
  readonly templateVariables: JsonObject;
  readonly reasoningEffort: string | null;
  readonly addsGenerationPrompt: boolean;
  readonly continuesFinalMessage: boolean;
  /** Set where the body was cut off. */
  readonly cut: ConversationCut | null;
}

/** What a cut left open. */
export interface ConversationCut {
  /** Whether the last message's last text part may go on, and members of that message may follow. */
  readonly isLastMessageOpen: boolean;
  /** Whether further messages may follow. */
  readonly moreMessages: boolean;
  /** What was not seen and may follow, changing what the template prints in front of the messages or among them. */
  readonly mayFollow: ReadonlySet<'tools' | 'documents' | 'variables' | 'system'>;
}

/** A prompt that needs no template. */
export type PlainPrompt =
  | { readonly kind: 'text'; readonly text: string; readonly isWhole: boolean }
  | { readonly kind: 'tokens'; readonly tokenIds: Int32Array; readonly isWhole: boolean };

/** `truncate_prompt_tokens`: how many tokens are kept, of which end. */
export interface Truncation {
  readonly keptTokens: number;
  readonly keptEnd: 'left' | 'right';
  /** Whether the tokenizer truncates, which makes room for special tokens; where a side is named, vLLM cuts the ids. */
  readonly sparesSpecialTokens: boolean;
}

/** What Anthropic's shape becomes as a conversation depends on two habits of the template. */
export interface TemplateHabits {
  /** Whether the template refuses a system message that is not the first. */
  readonly wantsSystemFirst: boolean;
  /** The `reasoning_effort` that switches thinking off: `none`, or `low` where `none` makes no difference. */
  readonly effortOfNoThinking: 'none' | 'low';
}

/** What a request wants to be encoded. */
type PromptContent =
  | { readonly kind: 'plain'; readonly prompts: readonly PlainPrompt[] }
  /** `conversationFor` never fails and costs nothing where the habits make no difference. */
  | { readonly kind: 'conversation'; readonly conversationFor: (habits: TemplateHabits) => Conversation };

/** A request's prompt before any tokenizer is consulted, with all that changes its tokens or its blocks' identity. */
export interface PromptSource {
  readonly content: PromptContent;
  readonly addsSpecialTokens: boolean;
  readonly truncation: Truncation | null;
  /** `cache_salt`. */
  readonly salt: string | null;
  /** Images and the like among given token ids. */
  readonly multimodal: readonly MultimodalItem[];
}
