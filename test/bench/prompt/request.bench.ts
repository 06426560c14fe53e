/** From a request's bytes to what is to be encoded, and to token ids. JSON.parse, which loses what templates need, is the baseline. */

import { fileURLToPath } from 'node:url';
import { readJson } from '../../../sidecar/prompt/api/json-reader.ts';
import { createPromptEncoder, parseRequest } from '../../../sidecar/prompt/index.ts';
import type { Benchmark } from '../harness.ts';

const folder = fileURLToPath(new URL('../../../sidecar/simulator/tiny-qwen', import.meta.url));
const path = '/v1/chat/completions';

/** About `bytes` of a conversation; every text holds `mark`, so that two marks share no text. */
const conversation = (bytes: number, mark: string): readonly object[] => {
  const messages = [{ role: 'system', content: `You are a careful assistant ${mark}.` }];
  for (let length = 0; length < bytes; ) {
    const turn = messages.length;
    const content = `Line ${turn} ${mark}: the quick brown fox jumps over café number ${turn * 37}.\n`.repeat(14);
    messages.push({ role: turn % 2 === 1 ? 'user' : 'assistant', content });
    length += content.length;
  }
  return messages;
};

const tools = Array.from({ length: 12 }, (_, index) => ({
  type: 'function',
  function: {
    name: `tool_${index}`,
    description: `Does thing ${index}`,
    parameters: {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'number', default: 1.5 } },
      required: ['a'],
    },
  },
}));

const bodyOf = (members: object): Buffer =>
  Buffer.from(JSON.stringify({ model: 'm', stream: true, temperature: 0.5, ...members }));

const reading = (name: string, members: object): Benchmark => ({
  name: `reading ${name}`,
  unit: 'body',
  unitsPerCall: 1,
  setup: () => {
    const body = bodyOf(members);
    return {
      baseline: 'JSON.parse',
      bodies: [
        { name: 'JSON.parse', run: () => JSON.parse(body.toString('utf8')) },
        {
          name: 'own reader',
          run: () => readJson(body.toString('utf8')),
          figures: () => ({ 'KiB a body': body.length / 1024 }),
        },
        { name: 'whole request', run: () => parseRequest({ path, body, isComplete: true }) },
      ],
    };
  },
});

const encoding: Benchmark = {
  name: 'bytes to token ids, 28 KB of chat',
  unit: 'request',
  unitsPerCall: 1,
  setup: async () => {
    const encoder = await createPromptEncoder({ folder });
    const encode = (body: Buffer) => encoder.encode(parseRequest({ path, body, isComplete: true }), { loraName: null });
    const seen = bodyOf({ messages: conversation(28_000, 'seen') });
    const messages = conversation(28_000, 'grown');
    let calls = 0;
    return {
      baseline: 'every message new',
      bodies: [
        { name: 'every message new', run: () => encode(bodyOf({ messages: conversation(28_000, `new ${calls++}`) })) },
        {
          name: 'one message new',
          run: () => encode(bodyOf({ messages: [...messages, { role: 'user', content: `and ${calls++}?` }] })),
        },
        { name: 'seen before', run: () => encode(seen) },
        {
          name: 'cut off',
          run: () =>
            encoder.encode(parseRequest({ path, body: seen.subarray(0, 16_000), isComplete: false }), {
              loraName: null,
            }),
        },
      ],
    };
  },
};

export const benchmarks: readonly Benchmark[] = [
  reading('28 KB of chat', { messages: conversation(28_000, 'x') }),
  reading('a chat with tools', { messages: conversation(8_000, 'x'), tools }),
  encoding,
];
