import { type Random, seededRandom } from '../../sidecar/core/index.ts';
import { anthropicMembers, anthropicMessages } from './anthropic-shape.ts';
import type { Json } from './chat-text.ts';
import { responsesItems, responsesMembers } from './responses-shape.ts';

/** A request body as a client might send it, and whether it was cut off. */
export interface RandomBody {
  readonly body: Buffer;
  readonly isComplete: boolean;
}

interface Chat {
  messages: Json[];
  /** Members besides the messages, in the order in which they are sent. */
  extra: [string, unknown][];
  spacing: number;
}

const words = [
  'apple',
  'the',
  ' river',
  'über',
  '東京',
  'déjà vu',
  '\n',
  '\t',
  '"',
  '\\',
  '🙂',
  '🇫🇷',
  '{',
  '}',
  '[1,2]',
  'e\u0301',
  '<|im_end|>',
  '<|im_start|>',
  '<|im_',
  '<think>',
  '</think>',
  'messages',
  '"messages":[',
  '\u0000',
  '\u2028',
  '0',
  '１２',
  'a'.repeat(60),
  ' '.repeat(40),
  'x = {"a": [1, 2.0, 1e5]}\n',
  'Пример',
  '\ud83d\ude00',
] as const;

const toolSets = [
  [
    {
      type: 'function',
      function: {
        name: 'read',
        description: 'Reads a file.',
        parameters: { type: 'object', properties: { path: { type: 'string' } } },
      },
    },
  ],
  [{ type: 'function', function: { name: 'run', parameters: { b: 2.0, a: [1, 12345678901234567890n.toString()] } } }],
  ...['look', 'find'].map((name) => [
    {
      type: 'function',
      function: { name, description: `${name} 漢字 "all" of it. `.repeat(80), parameters: { type: 'object' } },
    },
  ]),
];

/** How the requests of an API are made of a chat's messages and of the members beside them; the list's own value is ignored. */
export interface ChatShape {
  entries(messages: readonly Json[]): readonly Json[];
  members(messages: readonly Json[], members: readonly Member[]): readonly Member[];
}

type Member = readonly [string, unknown];

const chatShape: ChatShape = { entries: (messages) => messages, members: (_, members) => members };
/** `/v1/messages`. */
export const anthropicShape: ChatShape = { entries: anthropicMessages, members: anthropicMembers };
/** `/v1/responses`. */
export const responsesShape: ChatShape = {
  entries: responsesItems,
  members: (_, members) => responsesMembers(members),
};

/**
 * Conversations that grow, are edited, regenerated, forked, cut off, lose their thinking, gain and lose tools, and change
 * the order and spacing of what stands in the body. The same seed gives the same bodies.
 */
export class RandomChats {
  readonly #random: Random;
  readonly #chats: Chat[] = [];
  readonly #conversations: number;
  readonly #longestWords: number;
  readonly #shape: ChatShape;

  constructor(options: {
    readonly seed: number;
    readonly conversations: number;
    readonly longestWords: number;
    /** Default: that of `/v1/chat/completions`. */
    readonly shape?: ChatShape;
  }) {
    this.#shape = options.shape ?? chatShape;
    this.#random = seededRandom(options.seed);
    this.#conversations = options.conversations;
    this.#longestWords = options.longestWords;
  }

  next(): RandomBody {
    const chat = this.#pick();
    this.#change(chat);
    const body = Buffer.from(this.#write(chat));
    if (!this.#chance(0.04)) return { body, isComplete: true };
    return { body: body.subarray(0, this.#below(body.length)), isComplete: this.#chance(0.3) };
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick(): Chat {
    const at = this.#below(this.#conversations);
    let chat = this.#chats[at];
    if (chat === undefined || this.#chance(0.04)) {
      chat = this.#open();
      this.#chats[at] = chat;
    } else if (this.#chance(0.05)) {
      // Goes on with another chat's beginning, which then exists twice.
      const other = this.#chats[this.#below(this.#chats.length)] ?? chat;
      chat = { ...chat, messages: other.messages.slice(0, 1 + this.#below(other.messages.length)) };
      this.#chats[at] = chat;
    }
    return chat;
  }

  #open(): Chat {
    return {
      messages: this.#chance(0.6) ? [{ role: 'system', content: this.#text() }] : [],
      extra: [
        ['model', 'tiny'],
        ['stream', true],
        ['temperature', 0.7],
        ['messages', null],
      ],
      spacing: this.#below(3),
    };
  }

  #text(): string {
    let text = '';
    for (let count = this.#below(this.#longestWords); count >= 0; count -= 1) {
      text += `${this.#chance(0.5) ? ' plain words ' : ''}${words[this.#below(words.length)]}`;
    }
    return text;
  }

  #content(): unknown {
    if (this.#chance(0.85)) return this.#text();
    return Array.from({ length: 1 + this.#below(2) }, () => ({ type: 'text', text: this.#text() }));
  }

  #assistant(): Json {
    const thought = this.#chance(0.4) ? `<think>\n${this.#text()}\n</think>\n\n` : '';
    const message: Json = { role: 'assistant', content: this.#chance(0.1) ? null : thought + this.#text() };
    if (this.#chance(0.1)) message['reasoning_content'] = this.#text();
    if (message['content'] === null || this.#chance(0.1)) {
      const call = { name: 'read', arguments: JSON.stringify({ path: this.#text(), depth: this.#below(9) }) };
      message['tool_calls'] = [{ id: `c${this.#below(99)}`, type: 'function', function: call }];
    }
    return message;
  }

  #change(chat: Chat): void {
    const { messages } = chat;
    const kind = this.#random();
    if (kind < 0.08 && messages.length > 1) messages.splice(-1, 1);
    else if (kind < 0.14 && messages.length > 0) {
      const at = this.#below(messages.length);
      messages[at] = { ...messages[at], content: this.#content() };
    } else if (kind < 0.17) {
      // A client that drops the thinking of all earlier answers.
      chat.messages = messages.map((message) => {
        const { content } = message;
        return typeof content === 'string'
          ? { ...message, content: content.replace(/<think>[\s\S]*<\/think>\s*/, '') }
          : message;
      });
    } else if (kind < 0.2) messages.splice(this.#below(messages.length), 1);
    else if (messages.at(-1)?.['role'] === 'user') {
      messages.push(this.#assistant());
      if (this.#chance(0.1)) messages.push({ role: 'tool', tool_call_id: 'c1', content: this.#text() });
    }
    if (messages.length === 0 || this.#chance(0.9)) chat.messages.push({ role: 'user', content: this.#content() });
    if (messages.length > 24) chat.messages = [];
    if (this.#chance(0.06)) this.#toggle(chat, 'tools', toolSets[this.#below(toolSets.length)]);
    if (this.#chance(0.03)) this.#toggle(chat, 'chat_template_kwargs', { enable_thinking: this.#chance(0.5) });
    if (this.#chance(0.03)) this.#toggle(chat, 'cache_salt', `salt-${this.#below(3)}`);
    if (this.#chance(0.02)) this.#toggle(chat, 'add_generation_prompt', false);
    if (this.#chance(0.02)) this.#toggle(chat, 'user', `user-${this.#below(3)}`);
    if (this.#chance(0.02) && this.#shape !== chatShape) this.#toggle(chat, 'thinking', { type: 'disabled' });
    if (this.#chance(0.05)) chat.extra.sort(() => this.#random() - 0.5);
    if (this.#chance(0.02)) chat.spacing = this.#below(3);
  }

  #toggle({ extra }: Chat, key: string, value: unknown): void {
    const at = extra.findIndex(([name]) => name === key);
    if (at >= 0) extra.splice(at, 1);
    else extra.splice(this.#below(extra.length + 1), 0, [key, value]);
  }

  #write({ messages, extra, spacing }: Chat): string {
    const space = ['', ' ', '\n  '][spacing] ?? '';
    const entries = this.#shape.entries(messages);
    const list = entries.map((entry) => JSON.stringify(entry)).join(`,${space}`);
    const members = this.#shape.members(messages, extra).map(([key, value]) => {
      const text = key === 'messages' || key === 'input' ? `[${space}${list}${space}]` : JSON.stringify(value);
      return `"${key}":${space}${text}`;
    });
    return `{${space}${members.join(`,${space}`)}${space}}${space}`;
  }
}
