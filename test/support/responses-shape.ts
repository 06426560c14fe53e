/** OpenAI's chat requests as a client of the Responses API would send them. */

import { isOneIn, type Json, textOf } from './chat-text.ts';

const assistantItems = ({ content, reasoning_content, tool_calls }: Json): readonly Json[] => {
  const text = textOf(content);
  const calls = Array.isArray(tool_calls) ? tool_calls : [];
  const thought = [{ type: 'reasoning_text', text: reasoning_content }];
  const said = isOneIn(text, 2) ? text : [{ type: 'output_text', text }];
  const status = isOneIn(text, 97) ? 'in_progress' : 'completed';
  return [
    ...(typeof reasoning_content === 'string' ? [{ type: 'reasoning', summary: [], content: thought }] : []),
    ...(content === null ? [] : [{ type: 'message', role: 'assistant', content: said, status }]),
    ...calls.map((call) => ({ type: 'function_call', call_id: call.id, ...call.function })),
    // Two calls in a row are one message's.
    ...(isOneIn(text, 5) ? [{ type: 'function_call', call_id: 'more', name: 'look', arguments: '{"at": 1}' }] : []),
  ];
};

const itemsOf = (message: Json): readonly Json[] => {
  const { role, content, tool_call_id } = message;
  const text = textOf(content);
  if (role === 'assistant') return assistantItems(message);
  if (role === 'tool') return [{ type: 'function_call_output', call_id: tool_call_id, output: text }];
  const image = { type: 'input_image', image_url: 'data:' };
  const parts = [{ type: 'input_text', text }, ...(isOneIn(text, 83) ? [image] : [])];
  return [{ role, content: isOneIn(text, 2) ? text : parts }];
};

/** Members of the request, its conversation under `input`. */
export const responsesMembers = (
  members: readonly (readonly [string, unknown])[],
): readonly (readonly [string, unknown])[] =>
  members.map(([key, value]): readonly [string, unknown] => {
    if (key === 'messages') return ['input', null];
    if (key !== 'tools' || !Array.isArray(value)) return [key, value];
    return [key, value.map((tool) => ({ type: 'function', ...tool.function }))];
  });

/** The conversation as input items. */
export const responsesItems = (messages: readonly Json[]): readonly Json[] => messages.flatMap(itemsOf);
