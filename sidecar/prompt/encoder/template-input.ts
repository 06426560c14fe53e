import { isJsonArray, type JsonObject, type JsonValue } from '../api/json-value.ts';
import type { Conversation } from '../api/prompt-source.ts';
import type { KnownMessage } from '../memo/conversation-record.ts';
import type { TemplateInput } from '../template/port.ts';
import { knownTemplateMessages, templateMessages } from './message-content.ts';
import type { ModelTemplate } from './model-template.ts';

/** What a server's flags add to every chat request. */
export interface ServerDefaults {
  /** `--default-chat-template-kwargs`; a request's own win. */
  readonly templateVariables: JsonObject;
  /** `--exclude-tools-when-tool-choice-none`. */
  readonly excludesToolsWhenNoneChosen: boolean;
}

/** Names that are parameters of the render, never variables. */
const reserved: ReadonlySet<string> = new Set([
  'add_generation_prompt',
  'chat_template',
  'continue_final_message',
  'conversation',
  'documents',
  'return_dict',
  'tokenize',
  'tools',
]);

/** vLLM takes null and "auto" for not set. */
const isSet = (value: JsonValue): boolean => value !== null && value !== 'auto';

/** Whether a conversation's tools are shown to the template. */
export const showsTools = (conversation: Conversation, defaults: ServerDefaults): boolean =>
  conversation.tools !== null && !(conversation.choosesNoTool && defaults.excludesToolsWhenNoneChosen);

const listOf = (variables: JsonObject, name: string): readonly JsonValue[] | null => {
  const value = variables.get(name);
  return isJsonArray(value) ? value : null;
};

/**
 * What the template is given for a conversation: messages in its format, tools, documents, and as variables the special
 * tokens, the server's defaults and the request's own, later ones winning. `reasoning_effort` also sets
 * `enable_thinking` unless the request does. Follows `build_chat_params` and `merge_kwargs` of vLLM.
 */
export const templateInput = (
  conversation: Conversation,
  model: ModelTemplate,
  options: {
    readonly specialTokens: JsonObject;
    readonly defaults: ServerDefaults;
    /** The conversation's messages where they are remembered. */
    readonly known?: readonly KnownMessage[];
  },
): TemplateInput => {
  const { reasoningEffort, templateVariables } = conversation;
  const merged = new Map(options.defaults.templateVariables);
  for (const [name, value] of templateVariables) if (isSet(value)) merged.set(name, value);
  if (reasoningEffort !== null) {
    merged.set('reasoning_effort', reasoningEffort);
    if (!templateVariables.has('enable_thinking')) merged.set('enable_thinking', reasoningEffort !== 'none');
  }
  const tools = showsTools(conversation, options.defaults) ? conversation.tools : null;
  const variables = new Map(options.specialTokens);
  for (const [name, value] of merged) if (!reserved.has(name)) variables.set(name, value);
  const traits = { contentFormat: model.template.contentFormat, knowsDeveloper: model.knowsDeveloper };
  return {
    messages:
      options.known === undefined
        ? templateMessages(conversation.messages, traits)
        : knownTemplateMessages(options.known, traits),
    tools: listOf(templateVariables, 'tools') ?? tools ?? listOf(options.defaults.templateVariables, 'tools'),
    documents: conversation.documents ?? listOf(merged, 'documents'),
    addGenerationPrompt: conversation.addsGenerationPrompt,
    variables,
  };
};
