import { type PartDialect, readContent, withoutBillingHeader } from './content-part.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { withKeysFirst } from './members.ts';
import type { ChatMessage } from './prompt-source.ts';
import { type Read, read, refused } from './refusal.ts';
import { readToolCalls } from './tool-call.ts';

/** How a message is read. */
export interface MessageOptions {
  readonly dialect: PartDialect;
  /** Whether `reasoning_content` counts as `reasoning`; `/tokenize` does not know it. */
  readonly renamesReasoning: boolean;
  /** Whether tool calls stand in the form templates see, as a translation writes them. */
  readonly hasFinalCalls: boolean;
  /** Whether the text ended within the message. */
  readonly isOpen: boolean;
}

const noMembers: JsonObject = new Map();
const rolesWithNullContent: ReadonlySet<string> = new Set(['assistant', 'function']);

const reasoningOf = (message: JsonObject, options: MessageOptions): JsonValue => {
  const reasoning = message.get('reasoning') ?? null;
  return reasoning === null && options.renamesReasoning ? (message.get('reasoning_content') ?? null) : reasoning;
};

const assistantMembers = (
  members: Map<string, JsonValue>,
  message: JsonObject,
  options: MessageOptions,
): Read<null> => {
  const value = message.get('tool_calls');
  // Calls of an open message may be unfinished; what stands before them is known all the same.
  const calls = options.isOpen ? read(null) : options.hasFinalCalls ? read(value ?? null) : readToolCalls(value);
  if ('refused' in calls) return calls;
  if (calls.value !== null) members.set('tool_calls', calls.value);
  const reasoning = reasoningOf(message, options);
  if (reasoning !== null) members.set('reasoning', reasoning).set('reasoning_content', reasoning);
  return read(null);
};

/** The tools of a `developer` message, in the key order pydantic gives them. */
const developerTools = (value: JsonValue | undefined): JsonValue => {
  if (!isJsonArray(value)) return value ?? null;
  return value.map((tool) => (isJsonObject(tool) ? withKeysFirst(tool, ['function', 'type']) : tool));
};

/** Reads one chat message as vLLM does (`vllm/renderers/chat_utils.py`, pydantic's checks as far as they matter). */
export const readChatMessage = (message: JsonValue, options: MessageOptions): Read<ChatMessage> => {
  if (!isJsonObject(message)) return refused('invalid-messages');
  const role = message.get('role');
  if (typeof role !== 'string') return refused('invalid-messages');
  if (message.get('content') === null && !rolesWithNullContent.has(role)) return refused('invalid-messages');
  const content = readContent(message.get('content'), options);
  if ('refused' in content) return content;
  const members = new Map<string, JsonValue>();
  if (role === 'assistant') {
    const added = assistantMembers(members, message, options);
    if ('refused' in added) return added;
  }
  const callId = message.get('tool_call_id');
  if (role === 'tool' && callId !== undefined) members.set('tool_call_id', callId);
  for (const key of ['name', 'task']) {
    const value = message.get(key);
    if (value === null && key === 'name') return refused('invalid-messages');
    if (typeof value === 'string') members.set(key, value);
  }
  if (role === 'developer') members.set('tools', developerTools(message.get('tools')));
  return read({
    role,
    content: role === 'system' ? withoutBillingHeader(content.value) : content.value,
    members: members.size === 0 ? noMembers : members,
  });
};
