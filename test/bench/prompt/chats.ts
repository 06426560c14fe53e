/** Growing conversations as clients send them: the whole past with every turn, the newest text never seen before. */

import { type Random, seededRandom } from '../../../sidecar/core/index.ts';
import { textsOf } from './texts.ts';

/** A message as it stands in a body. */
interface Message {
  readonly role: string;
  readonly content: string;
}

/** What {@link createChats} makes. */
export interface ChatOptions {
  /** Conversations that take turns at random. */
  readonly conversations: number;
  /** Characters of a message. */
  readonly messageLength: number;
  /** Messages at which a conversation is replaced by a new one. */
  readonly maxMessages: number;
  /** Share of turns in which the last answer and question are replaced, not followed. Default 0. */
  readonly regenerated?: number;
  /** Share of conversations that bring tools. Default 0. */
  readonly withTools?: number;
  /** Document texts to cut messages from; default English prose of the installed packages. */
  readonly corpus?: string;
  readonly seed?: number;
}

/** A source of request bodies. */
export interface Chats {
  /** Body of the next turn of some conversation. */
  nextBody(): Buffer;
}

interface Chat {
  messages: Message[];
  readonly tools: readonly object[] | null;
}

/** English prose of the installed packages, about 2 MB. */
export const englishCorpus = (): string => textsOf('english', { documents: 250, vocabulary: [] }).join('');

const tool = (index: number, text: string): object => ({
  type: 'function',
  function: {
    name: `tool_${index}`,
    description: text,
    parameters: { type: 'object', properties: { path: { type: 'string' }, limit: { type: 'number', default: 1.5 } } },
  },
});

/** Creates conversations; the same options give the same bodies. */
export const createChats = (options: ChatOptions): Chats => {
  const { conversations, messageLength, maxMessages, regenerated = 0, withTools = 0 } = options;
  const corpus = options.corpus ?? englishCorpus();
  const random: Random = seededRandom(options.seed ?? 1);
  const text = (length: number): string => {
    const start = Math.floor(random() * (corpus.length - length));
    return corpus.slice(start, start + length).toWellFormed();
  };
  const systems = Array.from({ length: 8 }, () => text(messageLength * 2));
  const toolSets = Array.from({ length: 6 }, () => Array.from({ length: 10 }, (_, index) => tool(index, text(200))));
  const pick = <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(random() * values.length)];
  const open = (): Chat => ({
    messages: [{ role: 'system', content: pick(systems) ?? '' }],
    tools: random() < withTools ? (pick(toolSets) ?? null) : null,
  });
  const chats = Array.from({ length: conversations }, open);
  return {
    nextBody: () => {
      const at = Math.floor(random() * conversations);
      let chat = chats[at];
      if (chat === undefined || chat.messages.length >= maxMessages) chat = open();
      chats[at] = chat;
      if (chat.messages.length > 1 && random() < regenerated) chat.messages = chat.messages.slice(0, -1);
      else if (chat.messages.length > 1) chat.messages.push({ role: 'assistant', content: text(messageLength) });
      chat.messages.push({ role: 'user', content: text(messageLength) });
      const { messages, tools } = chat;
      const rest = { stream: true, temperature: 0.7, max_tokens: 512 };
      return Buffer.from(JSON.stringify({ model: 'm', messages, ...(tools === null ? {} : { tools }), ...rest }));
    },
  };
};
