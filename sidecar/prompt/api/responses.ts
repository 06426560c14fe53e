import { conversationCut, readTemplateVariables, withoutOpenMember } from './chat.ts';
import { type MessageOptions, readChatMessage } from './chat-message.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { hasMember, objectMember, stringMember } from './members.ts';
import type { ChatMessage, Conversation, PromptSource } from './prompt-source.ts';
import { type Read, read, readAll, refused } from './refusal.ts';
import { givenPrompt, isOpenAt, type RequestBody, withPromptOptions } from './request-body.ts';
import { ResponseItems } from './response-items.ts';
import { dumpFunction, functionTool } from './tools.ts';

const dumpTools = (value: JsonValue | undefined): Read<readonly JsonObject[] | null> => {
  const tools = value ?? null;
  if (tools === null) return read(null);
  if (!isJsonArray(tools)) return refused('invalid-tools');
  if (tools.length === 0) return read(null);
  const functions: JsonObject[] = [];
  for (const tool of tools) {
    const type = isJsonObject(tool) ? tool.get('type') : null;
    // Their form in the prompt is worded by the engine.
    if (type === 'custom' || type === 'namespace') return refused('unsupported');
    if (type !== 'function' || !isJsonObject(tool)) continue;
    const dump = dumpFunction(tool);
    if ('refused' in dump) return dump;
    functions.push(functionTool(dump.value));
  }
  return read(functions);
};

const unfinishedStates: ReadonlySet<JsonValue | undefined> = new Set(['in_progress', 'incomplete']);

/** Whether an input item, where it is the last one, is a message that the model shall go on with. */
export const isUnfinished = (item: JsonValue | undefined): boolean => {
  if (!isJsonObject(item)) return false;
  const type = item.get('type') ?? 'message';
  return (type === 'message' || type === 'reasoning') && unfinishedStates.has(item.get('status'));
};

const continuesLast = (input: JsonValue | undefined): boolean => isJsonArray(input) && isUnfinished(input.at(-1));

/** How the chat messages that items become are read, but for one that the text's end cut off. */
export const responseMessageOptions: MessageOptions = {
  dialect: 'responses',
  renamesReasoning: false,
  hasFinalCalls: true,
  isOpen: false,
};

const shapedMessages = (
  body: RequestBody,
): Read<{ readonly messages: readonly JsonObject[]; readonly isLastOpen: boolean }> => {
  const items = new ResponseItems();
  const instructions = stringMember(body.root, 'instructions') ?? '';
  if (instructions !== '') items.addText('system', instructions);
  const input = body.root.get('input');
  const isOpen = isOpenAt(body, 'input');
  if (typeof input === 'string') {
    items.addText('user', input);
    return read({ messages: items.messages, isLastOpen: isOpen });
  }
  if (!isJsonArray(input)) return refused(body.openPath !== null && input === undefined ? 'cut' : 'invalid-messages');
  const isLastOpen = isOpen && (body.openPath?.length ?? 0) > 1;
  for (const [index, item] of input.entries()) {
    if (isLastOpen && index === input.length - 1) {
      const added = items.addOpen(item);
      return read({ messages: items.messages, isLastOpen: added });
    }
    const why = items.add(item);
    if (why !== null) return refused(why);
  }
  return read({ messages: items.messages, isLastOpen: false });
};

const readMessages = (
  body: RequestBody,
): Read<{ readonly messages: readonly ChatMessage[]; readonly isLastOpen: boolean }> => {
  const shaped = shapedMessages(body);
  if ('refused' in shaped) return shaped;
  const { isLastOpen } = shaped.value;
  const messages = readAll(shaped.value.messages, (message, index) =>
    readChatMessage(message, {
      ...responseMessageOptions,
      isOpen: isLastOpen && index === shaped.value.messages.length - 1,
    }),
  );
  if ('refused' in messages) return messages;
  if (messages.value.length === 0) return refused(body.openPath === null ? 'no-prompt' : 'cut');
  return read({ messages: messages.value, isLastOpen });
};

/**
 * The prompt of `/v1/responses` where it depends on nothing that the engine stores; shape and translation as in vLLM's
 * `vllm/entrypoints/openai/responses/utils.py`.
 */
export const responsesSource = (wholeBody: RequestBody): Read<PromptSource> => {
  const body = withoutOpenMember(wholeBody, ['input']);
  const { root } = body;
  if (hasMember(root, 'previous_response_id') || hasMember(root, 'previous_input_messages'))
    return refused('server-state');
  if (hasMember(root, 'prompt')) return refused('invalid-prompt');
  const given = givenPrompt(body);
  if ('refused' in given) return given;
  const defaults = { addsSpecialTokens: true, truncates: false };
  if (given.value !== null) return withPromptOptions(body, { kind: 'plain', prompts: [given.value] }, defaults);
  const read = readMessages(body);
  if ('refused' in read) return read;
  const tools = dumpTools(root.get('tools'));
  if ('refused' in tools) return tools;
  const templateVariables = readTemplateVariables(root);
  if ('refused' in templateVariables) return templateVariables;
  const reasoning = objectMember(root, 'reasoning');
  const continuesFinalMessage = body.openPath === null && continuesLast(root.get('input'));
  const conversation: Conversation = {
    messages: read.value.messages,
    tools: tools.value,
    choosesNoTool: root.get('tool_choice') === 'none',
    documents: null,
    templateVariables: templateVariables.value,
    reasoningEffort: reasoning === null ? null : stringMember(reasoning, 'effort'),
    addsGenerationPrompt: !continuesFinalMessage,
    continuesFinalMessage,
    cut: conversationCut(body, {
      isLastOpen: read.value.isLastOpen,
      systemKey: 'instructions',
      variableKeys: ['chat_template_kwargs', 'reasoning'],
    }),
  };
  return withPromptOptions(body, { kind: 'conversation', conversationFor: () => conversation }, defaults);
};
