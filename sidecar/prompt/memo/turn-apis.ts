import { anthropicMessage } from '../api/anthropic.ts';
import { imageSources } from '../api/anthropic-blocks.ts';
import { chatDialect, chatMessageOptions } from '../api/chat.ts';
import { readChatMessage } from '../api/chat-message.ts';
import { mediaValues } from '../api/content-part.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json-value.ts';
import type { ChatMessage } from '../api/prompt-source.ts';
import { readAll } from '../api/refusal.ts';
import { isRenderPath, pathMeaning } from '../api/request-path.ts';
import { ResponseItems } from '../api/response-items.ts';
import { isUnfinished, responseMessageOptions } from '../api/responses.ts';
import type { ReadEntry, TurnApi } from './conversation-record.ts';

const contentOf = (entry: JsonValue): JsonValue | undefined => (isJsonObject(entry) ? entry.get('content') : undefined);

/** An entry to which none adds anything. */
const closed = (messages: readonly ChatMessage[]): ReadEntry => ({ messages, replacesLast: false, open: null });

const chatOptions = { ...chatMessageOptions(chatDialect), isOpen: false };

const chat: TurnApi = {
  api: 'chat',
  listKey: 'messages',
  readEntry: (entry) => {
    const message = readChatMessage(entry, chatOptions);
    return 'refused' in message ? null : closed([message.value]);
  },
  unreadValues: (entry) => mediaValues(contentOf(entry)),
};

const messages: TurnApi = {
  api: 'messages',
  listKey: 'messages',
  readEntry: (entry) => {
    const read = anthropicMessage(entry);
    return read === null ? null : closed(read);
  },
  unreadValues: (entry) => imageSources(contentOf(entry)),
};

const isSame = (message: JsonObject, other: JsonObject): boolean =>
  message.size === other.size && [...message].every(([key, value]) => other.get(key) === value);

const responses: TurnApi = {
  api: 'responses',
  listKey: 'input',
  readEntry: (entry, open) => {
    // The last item may ask the model to go on with it, which changes how the prompt ends.
    if (isUnfinished(entry)) return null;
    const items = new ResponseItems(open === null ? [] : [open]);
    if (items.add(entry) !== null) return null;
    const [first, ...added] = items.messages;
    const isKept = open !== null && first !== undefined && isSame(first, open);
    const shaped = isKept ? added : items.messages;
    const read = readAll(shaped, (message) => readChatMessage(message, responseMessageOptions));
    if ('refused' in read || read.value.length === 0) return null;
    return { messages: read.value, replacesLast: open !== null && !isKept, open: items.messages.at(-1) ?? null };
  },
  unreadValues: (entry) => mediaValues(contentOf(entry)),
};

/** The API that a path asks for, null where its requests are not remembered. */
export const turnApiOf = (path: string | null): TurnApi | null => {
  if (path === null || isRenderPath(path)) return null;
  const meaning = pathMeaning(path);
  return [chat, messages, responses].find(({ api }) => api === meaning) ?? null;
};
