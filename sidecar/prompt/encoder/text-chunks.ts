import type { ChatMessage, PromptSource } from '../api/prompt-source.ts';
import type { EncodedPrompt, ParsedRequest, PromptEncoder } from '../types.ts';

/** Bytes of text that one chunk stands for; about a token of English. */
const chunkBytes = 4;

const habits = { wantsSystemFirst: false, effortOfNoThinking: 'none' } as const;

const messageText = ({ role, content, members }: ChatMessage): string => {
  const parts = content.map((part) => {
    if (part.kind === 'text') return part.text;
    return part.kind === 'media' ? `\u0000${part.modality}` : part.name;
  });
  const calls = members.size === 0 ? '' : [...members.keys()].join();
  return `\u0000${role}\u0000${parts.join('\n')}\u0000${calls}`;
};

/** Equal beginnings of prompts give equal beginnings of text: tools first, then the messages in order. */
const textOf = (source: PromptSource): readonly string[] => {
  if (source.content.kind === 'plain') {
    return source.content.prompts.map((prompt) =>
      prompt.kind === 'text' ? prompt.text : `\u0000${Array.from(prompt.tokenIds).join()}`,
    );
  }
  const { messages, tools } = source.content.conversationFor(habits);
  return [`${tools === null ? '' : `\u0000tools ${tools.length}`}${messages.map(messageText).join('')}`];
};

/** Four bytes at a time as a non-negative integer: pseudo token ids, comparable among themselves only. */
const chunksOf = (text: string): Int32Array => {
  const bytes = Buffer.from(text, 'utf8');
  const chunks = new Int32Array(Math.floor(bytes.length / chunkBytes));
  for (let index = 0; index < chunks.length; index++)
    chunks[index] = bytes.readInt32LE(index * chunkBytes) & 0x7fffffff;
  return chunks;
};

/**
 * Stands in where no tokenizer can be had: chunks of the prompt's text in place of token ids. They tell which requests
 * begin alike, for scorers that go by the routing history, and never match an engine's events.
 */
export const createTextChunkEncoder = (reason: string): PromptEncoder => ({
  path: 'text-chunks',
  pathReason: reason,
  encode: (request: ParsedRequest, { loraName }): EncodedPrompt => {
    const source = request.prompt?.source;
    if (source === undefined) return { kind: 'unknown', why: request.unreadable ?? 'no-prompt' };
    const identity = { loraName, salt: source.salt, multimodal: [] };
    const sequences = textOf(source).map((text) => ({ tokenIds: chunksOf(text), identity, isWhole: false }));
    return { kind: 'encoded', path: 'text-chunks', sequences };
  },
});
