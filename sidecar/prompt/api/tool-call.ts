import { readJson } from './json-reader.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { withKeysFirst } from './members.ts';
import { type Read, read, readAll, refused } from './refusal.ts';

const emptyObject: JsonObject = new Map();

/** A call's arguments as vLLM hands them to templates: the parsed object, an empty one for anything else. */
export const parseArguments = (source: string): JsonObject => {
  if (source === '') return emptyObject;
  const reading = readJson(source);
  return reading.kind === 'whole' && isJsonObject(reading.value) ? reading.value : emptyObject;
};

const readToolCall = (call: JsonValue): Read<JsonObject> => {
  if (!isJsonObject(call)) return refused('invalid-messages');
  const id = call.get('id');
  const functionCall = call.get('function');
  if (typeof id !== 'string' || call.get('type') !== 'function' || !isJsonObject(functionCall))
    return refused('invalid-messages');
  const name = functionCall.get('name');
  const source = functionCall.get('arguments');
  if (typeof name !== 'string' || typeof source !== 'string') return refused('invalid-messages');
  const parsed = new Map([...functionCall, ['arguments', parseArguments(source)]]);
  const callee = withKeysFirst(parsed, ['arguments', 'name']);
  return read(withKeysFirst(new Map([...call, ['function', callee]]), ['id', 'function', 'type']));
};

/**
 * The tool calls of an assistant message as templates see them after pydantic's validation: `id`, `function` with
 * `arguments` (an object) and `name`, `type`, then further members. Null where there are none.
 */
export const readToolCalls = (value: JsonValue | undefined): Read<readonly JsonObject[] | null> => {
  if (value === undefined || value === null) return read(null);
  if (!isJsonArray(value)) return refused('invalid-messages');
  const calls = readAll(value, readToolCall);
  if ('refused' in calls) return calls;
  return read(calls.value.length === 0 ? null : calls.value);
};
