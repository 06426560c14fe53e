/** OpenAI's chat requests as an Anthropic client would send them. */

import { isOneIn, type Json, textOf } from './chat-text.ts';

const blocksOf = ({ role, content, reasoning_content, tool_calls, tool_call_id }: Json): readonly Json[] => {
  const text = textOf(content);
  if (role === 'tool') {
    const result = isOneIn(text, 3) ? [{ type: 'text', text }] : text;
    return [{ type: 'tool_result', tool_use_id: tool_call_id, content: result }];
  }
  const calls = Array.isArray(tool_calls) ? tool_calls : [];
  return [
    ...(typeof reasoning_content === 'string'
      ? [{ type: 'thinking', thinking: reasoning_content, signature: '' }]
      : []),
    ...(content === null ? [] : [{ type: 'text', text }]),
    ...calls.map((call) => ({
      type: 'tool_use',
      id: call.id,
      name: call.function.name,
      input: JSON.parse(call.function.arguments),
    })),
    ...(isOneIn(text, 97) ? [{ type: 'image', source: { type: 'base64', data: 'AAAA' } }] : []),
    ...(isOneIn(text, 127)
      ? [{ type: 'tool_addition', tool: { definition: { name: 'more', input_schema: {} } } }]
      : []),
  ];
};

/** One message; a client marks the last one for the cache, which is another one with each turn. */
const anthropicMessage = (message: Json, isLast: boolean): Json => {
  const role = message['role'] === 'assistant' ? 'assistant' : 'user';
  const text = textOf(message['content']);
  if (isOneIn(text, 149)) return { role: 'system', content: text };
  const blocks = blocksOf(message);
  const [only] = blocks;
  if (isLast) return { role, content: blocks.map((block) => ({ ...block, cache_control: { type: 'ephemeral' } })) };
  return { role, content: blocks.length === 1 && only?.['type'] === 'text' ? only['text'] : blocks };
};

/** The list of messages without the system's, which stands beside it. */
export const anthropicMessages = (messages: readonly Json[]): readonly Json[] => {
  const said = messages.filter(({ role }) => role !== 'system');
  return said.map((message, at) => anthropicMessage(message, at === said.length - 1));
};

/** What stands beside the messages: the system's text, in the form of its length's parity, and tools. */
export const anthropicMembers = (
  messages: readonly Json[],
  members: readonly (readonly [string, unknown])[],
): readonly (readonly [string, unknown])[] => {
  const [first] = messages;
  const text = first?.['role'] === 'system' ? textOf(first['content']) : null;
  const billing = { type: 'text', text: `x-anthropic-billing-header: ${messages.length}` };
  const system = text === null || isOneIn(text, 2) ? text : [billing, { type: 'text', text }];
  const translated = members.map(([key, value]): readonly [string, unknown] => {
    if (key !== 'tools' || !Array.isArray(value)) return [key, value];
    return [key, value.map((tool) => ({ ...tool.function, input_schema: tool.function.parameters }))];
  });
  return system === null ? translated : [...translated, ['system', system]];
};
