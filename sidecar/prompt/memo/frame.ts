import { chatDialect, chatSource } from '../api/chat.ts';
import { readJson } from '../api/json-reader.ts';
import { isJsonObject } from '../api/json-value.ts';
import { bodyOptions, requestTraits } from '../api/parse-request.ts';
import type { ChatMessage, Conversation, PromptSource } from '../api/prompt-source.ts';
import type { ParsedRequest } from '../types.ts';

/** All of a chat request but its messages. */
export interface Frame {
  readonly traits: Pick<ParsedRequest, 'model' | 'isStreaming' | 'sessionId' | 'readsCache'>;
  readonly source: Omit<PromptSource, 'content'>;
  readonly conversation: Omit<Conversation, 'messages'>;
}

const placeholder: ChatMessage = { role: 'user', content: [], members: new Map() };
const habits = { wantsSystemFirst: false, effortOfNoThinking: 'none' } as const;

/** A string that no client can know, to stand where the messages stood. */
const createMark = (): string => crypto.randomUUID();

/**
 * Reads what stands before and after a chat request's list of messages. Null where it is not what a plain chat request
 * has: no valid JSON, a second list of messages, a prompt in the form of ids, anything that the engine refuses.
 */
export const readFrame = (before: string, after: string): Frame | null => {
  const mark = createMark();
  const reading = readJson(`${before}"${mark}"${after}`, bodyOptions);
  if (reading.kind !== 'whole' || !isJsonObject(reading.value) || reading.tokenLists.size > 0) return null;
  if (reading.value.get('messages') !== mark) return null;
  const body = { root: reading.value, tokenLists: reading.tokenLists, openPath: null };
  const source = chatSource(body, chatDialect, [placeholder]);
  if ('refused' in source || source.value.content.kind !== 'conversation') return null;
  const { content, ...options } = source.value;
  const { messages: _, ...conversation } = content.conversationFor(habits);
  return { traits: requestTraits(body, { path: null, api: 'chat' }), source: options, conversation };
};
