import { type MessageOptions, readChatMessage } from './chat-message.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { booleanMember, hasMember, stringMember } from './members.ts';
import {
  type ChatMessage,
  type Conversation,
  type ConversationCut,
  hasMediaPart,
  type PromptSource,
} from './prompt-source.ts';
import { type Read, read, readAll, refused } from './refusal.ts';
import { givenPrompt, isOpenAt, type RequestBody, withPromptOptions } from './request-body.ts';
import { dumpTools } from './tools.ts';

/** Where the chat-like APIs differ. */
export interface ChatDialect {
  readonly addsGenerationPrompt: boolean;
  /** Whether `documents`, `reasoning_effort`, `reasoning_content` and `kv_transfer_params` are known. */
  readonly isFull: boolean;
  readonly truncates: boolean;
}

/** `/v1/chat/completions`. */
export const chatDialect: ChatDialect = { addsGenerationPrompt: true, isFull: true, truncates: true };
/** The chat form of `/tokenize`. */
export const tokenizeDialect: ChatDialect = { addsGenerationPrompt: true, isFull: false, truncates: false };
/** The chat form of `/v1/embeddings`. */
export const embeddingsDialect: ChatDialect = { addsGenerationPrompt: false, isFull: false, truncates: true };

const efforts: ReadonlySet<string> = new Set(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

/** A body's messages, and whether the last is unfinished. */
type ReadMessages = Read<{ readonly messages: readonly ChatMessage[]; readonly isLastOpen: boolean }>;

/** How a chat request's messages are read. */
export const chatMessageOptions = (dialect: ChatDialect): Omit<MessageOptions, 'isOpen'> => ({
  dialect: 'chat',
  renamesReasoning: dialect.isFull,
  hasFinalCalls: false,
});

/** Messages of a body; of a cut one the last is left out unless its text content is what was cut. */
const readMessages = (body: RequestBody, dialect: ChatDialect): ReadMessages => {
  const options = chatMessageOptions(dialect);
  const values = body.root.get('messages');
  if (values === undefined && body.openPath !== null) return refused('cut');
  if (!isJsonArray(values)) return refused('invalid-messages');
  const isOpen = isOpenAt(body, 'messages') && (body.openPath?.length ?? 0) > 1;
  const last = values.at(-1);
  const isLastKept = isOpen && isJsonObject(last) && last.has('role') && hasMember(last, 'content');
  const kept = isOpen && !isLastKept ? values.slice(0, -1) : values;
  const messages = readAll(kept, (message, index) =>
    readChatMessage(message, { ...options, isOpen: isLastKept && index === kept.length - 1 }),
  );
  if ('refused' in messages) return messages;
  if (messages.value.length === 0) return refused(body.openPath === null ? 'no-prompt' : 'cut');
  return read({ messages: messages.value, isLastOpen: isLastKept });
};

/** What a cut may have hidden, by the root keys that were not seen whole. */
export const conversationCut = (
  body: RequestBody,
  options: {
    readonly isLastOpen: boolean;
    readonly systemKey: string | null;
    readonly variableKeys: readonly string[];
  },
): ConversationCut | null => {
  if (body.openPath === null) return null;
  const isKnown = (key: string): boolean => body.root.has(key) && !isOpenAt(body, key);
  const mayFollow = new Set<'tools' | 'documents' | 'variables' | 'system'>();
  if (!isKnown('tools')) mayFollow.add('tools');
  if (!isKnown('documents')) mayFollow.add('documents');
  if (!options.variableKeys.every(isKnown)) mayFollow.add('variables');
  if (options.systemKey !== null && !isKnown(options.systemKey)) mayFollow.add('system');
  return { isLastMessageOpen: options.isLastOpen, moreMessages: isOpenAt(body, 'messages'), mayFollow };
};

const variableKeys = ['chat_template_kwargs', 'reasoning_effort'];

/** The request's own template variables; refused where vLLM refuses them. */
export const readTemplateVariables = (root: JsonObject): Read<JsonObject> => {
  const variables = root.get('chat_template_kwargs') ?? null;
  if (hasMember(root, 'chat_template')) return refused('own-template');
  if (variables === null) return read(new Map());
  if (!isJsonObject(variables) || variables.has('messages')) return refused('invalid-variables');
  return hasMember(variables, 'chat_template') ? refused('own-template') : read(variables);
};

const readDocuments = (root: JsonObject): Read<readonly JsonValue[] | null> => {
  const documents = root.get('documents') ?? null;
  if (documents === null) return read(null);
  const isDocument = (document: JsonValue): boolean =>
    isJsonObject(document) && [...document.values()].every((value) => typeof value === 'string');
  return isJsonArray(documents) && documents.every(isDocument) ? read(documents) : refused('invalid-variables');
};

const readEffort = (root: JsonObject): Read<string | null> => {
  if (!hasMember(root, 'reasoning_effort')) return read(null);
  const effort = stringMember(root, 'reasoning_effort');
  return effort !== null && efforts.has(effort) ? read(effort) : refused('invalid-variables');
};

/** Root members that are read although the text ended within them. */
const readWhenOpen = ['messages', 'cache_salt', 'kv_transfer_params'];

/** The body without the root member that the text's end left unfinished, unless it can be used all the same. */
export const withoutOpenMember = (body: RequestBody, usable: readonly string[] = []): RequestBody => {
  const key = body.openPath?.[0];
  if (typeof key !== 'string' || readWhenOpen.includes(key) || usable.includes(key)) return body;
  return { ...body, root: new Map([...body.root].filter(([name]) => name !== key)) };
};

const readConversation = (body: RequestBody, dialect: ChatDialect): Read<Conversation> => {
  const { root } = body;
  const messages = readMessages(body, dialect);
  if ('refused' in messages) return messages;
  const tools = dumpTools(root.get('tools'));
  if ('refused' in tools) return tools;
  const templateVariables = readTemplateVariables(root);
  if ('refused' in templateVariables) return templateVariables;
  const documents = dialect.isFull ? readDocuments(root) : read(null);
  if ('refused' in documents) return documents;
  const reasoningEffort = dialect.isFull ? readEffort(root) : read(null);
  if ('refused' in reasoningEffort) return reasoningEffort;
  const addsGenerationPrompt = booleanMember(root, 'add_generation_prompt', dialect.addsGenerationPrompt);
  const continuesFinalMessage = booleanMember(root, 'continue_final_message', false);
  if (addsGenerationPrompt && continuesFinalMessage) return refused('invalid-variables');
  return read({
    messages: messages.value.messages,
    tools: tools.value,
    choosesNoTool: root.get('tool_choice') === 'none',
    documents: documents.value,
    templateVariables: templateVariables.value,
    reasoningEffort: reasoningEffort.value,
    addsGenerationPrompt,
    continuesFinalMessage,
    cut: conversationCut(body, { isLastOpen: messages.value.isLastOpen, systemKey: null, variableKeys }),
  });
};

/** The prompt of a chat-like request: the conversation, or the ids that it brings in its place. */
export const chatSource = (wholeBody: RequestBody, dialect: ChatDialect): Read<PromptSource> => {
  const body = withoutOpenMember(wholeBody);
  const options = { addsSpecialTokens: false, truncates: dialect.truncates };
  const given = dialect.isFull ? givenPrompt(body) : read(null);
  if ('refused' in given) return given;
  const conversation = readConversation(body, dialect);
  if (given.value !== null && ('refused' in conversation || !conversation.value.messages.some(hasMediaPart)))
    return withPromptOptions(body, { kind: 'plain', prompts: [given.value] }, { ...options, truncates: false });
  if ('refused' in conversation) return conversation;
  const { value } = conversation;
  return withPromptOptions(body, { kind: 'conversation', conversationFor: () => value }, options);
};
