import { readJson } from '../api/json-reader.ts';
import { isJsonObject, type JsonObject } from '../api/json-value.ts';
import { bodyOptions, readSource, requestTraits } from '../api/parse-request.ts';
import type { Conversation, PromptSource, TemplateHabits } from '../api/prompt-source.ts';
import type { ParsedRequest } from '../types.ts';
import { type RememberedMessage, remembered, type TurnApi } from './conversation-record.ts';

/** All of a request but its list of messages. */
export interface Frame {
  readonly traits: Pick<ParsedRequest, 'model' | 'isStreaming' | 'sessionId' | 'readsCache'>;
  readonly source: Omit<PromptSource, 'content'>;
  /** What the template sees in front of the messages. */
  readonly head: readonly RememberedMessage[];
  conversationFor(habits: TemplateHabits): Omit<Conversation, 'messages'>;
}

/** Stands where the messages stood; every API takes it, and none changes anything else for it. */
const placeholder: JsonObject = new Map([
  ['role', 'user'],
  ['content', ''],
]);
const anyHabits: TemplateHabits = { wantsSystemFirst: false, effortOfNoThinking: 'none' };

/** A string that no client can know, to stand where the messages stood. */
const createMark = (): string => crypto.randomUUID();

/**
 * Reads what stands before and after a request's list of messages. Null where it is not what a plain request has: no valid
 * JSON, a second list of messages, a prompt in the form of ids, anything that the engine refuses.
 */
export const readFrame = (before: string, after: string, { api }: TurnApi): Frame | null => {
  const mark = createMark();
  const reading = readJson(`${before}"${mark}"${after}`, bodyOptions);
  if (reading.kind !== 'whole' || !isJsonObject(reading.value) || reading.tokenLists.size > 0) return null;
  if (reading.value.get('messages') !== mark) return null;
  const root = new Map([...reading.value, ['messages', [placeholder]]]);
  const body = { root, tokenLists: reading.tokenLists, openPath: null };
  const source = readSource(body, api);
  if ('refused' in source || source.value.content.kind !== 'conversation') return null;
  const { content, ...options } = source.value;
  const { conversationFor } = content;
  const head = conversationFor(anyHabits).messages.slice(0, -1).map(remembered);
  return { traits: requestTraits(body, { path: null, api }), source: options, head, conversationFor };
};
