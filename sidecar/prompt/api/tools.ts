import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { hasMember } from './members.ts';
import { type Read, read, readAll, refused } from './refusal.ts';

const isNullOr = (value: JsonValue | undefined, isExpected: (value: JsonValue) => boolean): boolean =>
  value === undefined || value === null || isExpected(value);

/** A function as vLLM dumps it: name, description, parameters (null where absent), then what is set of the others. */
export const dumpFunction = (definition: JsonObject): Read<JsonObject> => {
  const name = definition.get('name');
  const description = definition.get('description');
  const parameters = definition.get('parameters');
  if (typeof name !== 'string') return refused('invalid-tools');
  if (!isNullOr(description, (value) => typeof value === 'string')) return refused('invalid-tools');
  if (!isNullOr(parameters, isJsonObject)) return refused('invalid-tools');
  const dump = new Map<string, JsonValue>([
    ['name', name],
    ['description', description ?? null],
    ['parameters', parameters ?? null],
  ]);
  for (const key of ['strict', 'defer_loading']) {
    const value = definition.get(key) ?? null;
    if (value !== null) dump.set(key, value);
  }
  return read(dump);
};

/** A function's dump as a tool. */
export const functionTool = (dump: JsonObject): JsonObject =>
  new Map<string, JsonValue>([
    ['type', 'function'],
    ['function', dump],
  ]);

const dumpTool = (tool: JsonValue): Read<JsonObject> => {
  if (!isJsonObject(tool)) return refused('invalid-tools');
  const definition = tool.get('function');
  if ((tool.get('type') ?? 'function') !== 'function' || !isJsonObject(definition)) return refused('invalid-tools');
  const deferred = tool.get('defer_loading') ?? null;
  const isInherited = deferred !== null && !hasMember(definition, 'defer_loading');
  const dump = dumpFunction(isInherited ? new Map([...definition, ['defer_loading', deferred]]) : definition);
  if ('refused' in dump) return dump;
  const dumped = functionTool(dump.value);
  return read(deferred === null ? dumped : new Map([...dumped, ['defer_loading', deferred]]));
};

/**
 * Dumps lists of tools one by one with `dump`. A list that comes again, as those of remembered conversations do, gives the
 * objects that it gave before; nothing changes either.
 */
export const dumpingLists = (
  dump: (tool: JsonValue) => Read<JsonObject>,
): ((tools: readonly JsonValue[]) => Read<readonly JsonObject[]>) => {
  const dumped = new WeakMap<readonly JsonValue[], Read<readonly JsonObject[]>>();
  return (tools) => {
    const known = dumped.get(tools);
    if (known !== undefined) return known;
    const made = readAll(tools, dump);
    dumped.set(tools, made);
    return made;
  };
};

const dumpList = dumpingLists(dumpTool);

/**
 * A chat request's tools as vLLM dumps them for the template, null where there are none: nulls are written out, unknown
 * members dropped, keys put in order; `parameters` stay as they are.
 */
export const dumpTools = (tools: JsonValue | undefined): Read<readonly JsonObject[] | null> => {
  if (tools === undefined || tools === null) return read(null);
  if (!isJsonArray(tools) || tools.length === 0) return refused('invalid-tools');
  return dumpList(tools);
};
