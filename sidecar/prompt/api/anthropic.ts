import { blocksOf, chatMessagesOf, systemText } from './anthropic-blocks.ts';
import { changesTools, dumpAnthropicTools } from './anthropic-tools.ts';
import { conversationCut, readTemplateVariables, withoutOpenMember } from './chat.ts';
import { type MessageOptions, readChatMessage } from './chat-message.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { objectMember, stringMember } from './members.ts';
import type { ChatMessage, Conversation, PromptSource, TemplateHabits } from './prompt-source.ts';
import { type Read, read, readAll, refused } from './refusal.ts';
import { givenPrompt, isOpenAt, type RequestBody, withPromptOptions } from './request-body.ts';

const roles: ReadonlySet<string> = new Set(['user', 'assistant', 'system']);
const efforts: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

const systemMessage = (text: string): JsonObject =>
  new Map([
    ['role', 'system'],
    ['content', text],
  ]);

/** The messages of a body, checked; of a cut one an unfinished last message comes apart from them. */
const readRawMessages = (
  body: RequestBody,
): Read<{ readonly whole: readonly JsonObject[]; readonly open: JsonObject | null }> => {
  const values = body.root.get('messages');
  if (values === undefined && body.openPath !== null) return refused('cut');
  if (!isJsonArray(values)) return refused('invalid-messages');
  const isOpen = isOpenAt(body, 'messages') && (body.openPath?.length ?? 0) > 1;
  const last = values.at(-1);
  const whole = readAll(isOpen ? values.slice(0, -1) : values, (message) =>
    isJsonObject(message) && roles.has(stringMember(message, 'role') ?? '')
      ? read(message)
      : refused('invalid-messages'),
  );
  if ('refused' in whole) return whole;
  const isKept = isOpen && isJsonObject(last) && (last.get('role') === 'user' || last.get('role') === 'assistant');
  return read({ whole: whole.value, open: isKept ? last : null });
};

const translateMessage = (message: JsonObject): Read<readonly JsonObject[]> => {
  const role = stringMember(message, 'role') ?? '';
  const content = message.get('content');
  if (role === 'system') {
    const text = systemText(content, false);
    return read(text === '' ? [] : [systemMessage(text)]);
  }
  if (typeof content === 'string') return read([message]);
  const blocks = blocksOf(content, false);
  return 'refused' in blocks ? blocks : chatMessagesOf(role, blocks.value);
};

/** What is known of a message that the text's end cut off, its last text last; nothing where it has none yet. */
const translateOpen = (message: JsonObject, body: RequestBody): Read<readonly JsonObject[]> => {
  const content = message.get('content');
  if (typeof content === 'string') return read([message]);
  if (!isJsonArray(content)) return read([]);
  const isInText = body.openPath?.[4] === 'text';
  const isInBlock = (body.openPath?.length ?? 0) > 3;
  const blocks = blocksOf(isInBlock && !isInText ? content.slice(0, -1) : content, true);
  if ('refused' in blocks) return blocks;
  const translated = chatMessagesOf(stringMember(message, 'role') ?? '', blocks.value);
  if ('refused' in translated) return translated;
  return read(translated.value.at(-1)?.has('content') === true ? translated.value : translated.value.slice(0, -1));
};

/** How the chat messages that Anthropic's become are read. */
const shapedOptions: Omit<MessageOptions, 'isOpen'> = { dialect: 'chat', renamesReasoning: true, hasFinalCalls: true };

interface Translation {
  readonly messages: readonly ChatMessage[];
  readonly isLastOpen: boolean;
}

const translate = (
  body: RequestBody,
  raw: { readonly whole: readonly JsonObject[]; readonly open: JsonObject | null },
  wantsSystemFirst: boolean,
): Read<Translation> => {
  const isMerged = (message: JsonObject): boolean => wantsSystemFirst && message.get('role') === 'system';
  const system = [
    systemText(body.root.get('system'), true),
    ...raw.whole.filter(isMerged).map((message) => systemText(message.get('content'), false)),
  ].join('');
  const whole = readAll(
    raw.whole.filter((message) => !isMerged(message)),
    translateMessage,
  );
  if ('refused' in whole) return whole;
  const open = raw.open === null ? read([]) : translateOpen(raw.open, body);
  if ('refused' in open) return open;
  const shaped = [...(system === '' ? [] : [systemMessage(system)]), ...whole.value.flat(), ...open.value];
  const last = open.value.at(-1);
  const isLastOpen = last !== undefined && last.get('role') !== 'tool';
  const messages = readAll(shaped, (message, index) =>
    readChatMessage(message, { ...shapedOptions, isOpen: isLastOpen && index === shaped.length - 1 }),
  );
  return 'refused' in messages ? messages : read({ messages: messages.value, isLastOpen });
};

/**
 * The chat messages that one message of a whole body becomes; null where it is refused, becomes none, or changes what others
 * or the tools become.
 */
export const anthropicMessage = (message: JsonValue): readonly ChatMessage[] | null => {
  if (!isJsonObject(message)) return null;
  const role = stringMember(message, 'role');
  if ((role !== 'user' && role !== 'assistant') || changesTools(message)) return null;
  const shaped = translateMessage(message);
  if ('refused' in shaped) return null;
  const messages = readAll(shaped.value, (part) => readChatMessage(part, { ...shapedOptions, isOpen: false }));
  return 'refused' in messages || messages.value.length === 0 ? null : messages.value;
};

const readEffort = (
  root: JsonObject,
): Read<{ readonly effort: string | null; readonly isThinkingDisabled: boolean }> => {
  const output = objectMember(root, 'output_config');
  const effort: JsonValue = output?.get('effort') ?? null;
  if (effort !== null && !(typeof effort === 'string' && efforts.has(effort))) return refused('invalid-variables');
  const thinking = objectMember(root, 'thinking');
  return read({ effort, isThinkingDisabled: thinking?.get('type') === 'disabled' });
};

/**
 * The prompt of `/v1/messages` and `/v1/messages/count_tokens`: the conversation that vLLM translates it to
 * (`vllm/entrypoints/anthropic/serving.py` of 0.32), or the ids that it brings in its place.
 */
export const anthropicSource = (wholeBody: RequestBody): Read<PromptSource> => {
  const body = withoutOpenMember(wholeBody, ['system']);
  const given = givenPrompt(body);
  if ('refused' in given) return given;
  const defaults = { addsSpecialTokens: false, truncates: false };
  if (given.value !== null) return withPromptOptions(body, { kind: 'plain', prompts: [given.value] }, defaults);
  const raw = readRawMessages(body);
  if ('refused' in raw) return raw;
  const tools = dumpAnthropicTools(body.root.get('tools'), raw.value.whole);
  if ('refused' in tools) return tools;
  const templateVariables = readTemplateVariables(body.root);
  if ('refused' in templateVariables) return templateVariables;
  const effort = readEffort(body.root);
  if ('refused' in effort) return effort;
  const inPlace = translate(body, raw.value, false);
  const merged = translate(body, raw.value, true);
  if ('refused' in inPlace) return inPlace;
  if ('refused' in merged) return merged;
  if (inPlace.value.messages.length === 0) return refused(body.openPath === null ? 'no-prompt' : 'cut');
  const conversationFor = (habits: TemplateHabits): Conversation => {
    const { messages, isLastOpen } = habits.wantsSystemFirst ? merged.value : inPlace.value;
    return {
      messages,
      tools: tools.value,
      choosesNoTool: objectMember(body.root, 'tool_choice')?.get('type') === 'none',
      documents: null,
      templateVariables: templateVariables.value,
      reasoningEffort: effort.value.isThinkingDisabled ? habits.effortOfNoThinking : effort.value.effort,
      addsGenerationPrompt: true,
      continuesFinalMessage: false,
      cut: conversationCut(body, {
        isLastOpen,
        systemKey: 'system',
        variableKeys: ['chat_template_kwargs', 'thinking', 'output_config'],
      }),
    };
  };
  return withPromptOptions(body, { kind: 'conversation', conversationFor }, defaults);
};
