import { isJsonArray, type JsonObject, type JsonValue } from '../api/json-value.ts';
import type { Conversation } from '../api/prompt-source.ts';
import type { RememberedMessage } from '../memo/conversation-record.ts';
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

const withVariables = (common: JsonObject, added: JsonObject): JsonObject => {
  if (added.size === 0) return common;
  const variables = new Map(common);
  for (const [name, value] of added) if (!reserved.has(name)) variables.set(name, value);
  return variables;
};

/** Variables that a template sees whatever the request: the special tokens, then the server's defaults. */
export const commonVariables = (specialTokens: JsonObject, { templateVariables }: ServerDefaults): JsonObject =>
  withVariables(specialTokens, templateVariables);

const none: JsonObject = new Map();

/** Variables that a request sets. `reasoning_effort` also sets `enable_thinking` unless the request does. */
const ownVariables = ({ reasoningEffort, templateVariables }: Conversation): JsonObject => {
  if (reasoningEffort === null && templateVariables.size === 0) return none;
  const own = new Map<string, JsonValue>();
  for (const [name, value] of templateVariables) if (isSet(value)) own.set(name, value);
  if (reasoningEffort === null) return own;
  own.set('reasoning_effort', reasoningEffort);
  if (!templateVariables.has('enable_thinking')) own.set('enable_thinking', reasoningEffort !== 'none');
  return own;
};

/**
 * What the template is given for a conversation: messages in its format, tools, documents, and as variables the special
 * tokens, the server's defaults and the request's own, later ones winning. Follows `build_chat_params` and `merge_kwargs`
 * of vLLM.
 */
export const templateInput = (
  conversation: Conversation,
  model: ModelTemplate,
  options: {
    /** See {@link commonVariables}. */
    readonly common: JsonObject;
    readonly defaults: ServerDefaults;
    /** The conversation's messages where they are remembered. */
    readonly known?: readonly RememberedMessage[] | undefined;
  },
): TemplateInput => {
  const { templateVariables } = conversation;
  const { common, defaults, known } = options;
  const own = ownVariables(conversation);
  const tools = showsTools(conversation, defaults) ? conversation.tools : null;
  const traits = { contentFormat: model.template.contentFormat, knowsDeveloper: model.knowsDeveloper };
  return {
    messages:
      known === undefined ? templateMessages(conversation.messages, traits) : knownTemplateMessages(known, traits),
    tools: listOf(templateVariables, 'tools') ?? tools ?? listOf(defaults.templateVariables, 'tools'),
    documents: conversation.documents ?? listOf(own.has('documents') ? own : defaults.templateVariables, 'documents'),
    addGenerationPrompt: conversation.addsGenerationPrompt,
    variables: withVariables(common, own),
  };
};
