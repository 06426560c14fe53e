import { anthropicMessage } from '../api/anthropic.ts';
import { imageSources } from '../api/anthropic-blocks.ts';
import { chatDialect, chatMessageOptions } from '../api/chat.ts';
import { readChatMessage } from '../api/chat-message.ts';
import { mediaValues } from '../api/content-part.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json-value.ts';
import { isRenderPath, pathMeaning } from '../api/request-path.ts';
import type { TurnApi } from './conversation-record.ts';

const chatOptions = { ...chatMessageOptions(chatDialect), isOpen: false };

const membersOf = (entry: JsonValue): JsonObject => (isJsonObject(entry) ? entry : new Map());

const chat: TurnApi = {
  api: 'chat',
  readMessage: (entry) => {
    const message = readChatMessage(entry, chatOptions);
    return 'refused' in message ? null : [message.value];
  },
  unreadValues: (entry) => mediaValues(membersOf(entry).get('content')),
};

const messages: TurnApi = {
  api: 'messages',
  readMessage: anthropicMessage,
  unreadValues: (entry) => imageSources(membersOf(entry).get('content')),
};

/** The API that a path asks for, null where its requests are not remembered. */
export const turnApiOf = (path: string | null): TurnApi | null => {
  if (path === null || isRenderPath(path)) return null;
  const meaning = pathMeaning(path);
  return [chat, messages].find(({ api }) => api === meaning) ?? null;
};
