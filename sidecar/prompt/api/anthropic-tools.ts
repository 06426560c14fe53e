import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { objectMember, stringMember } from './members.ts';
import { type Read, read, refused } from './refusal.ts';
import { dumpFunction, dumpingLists, functionTool } from './tools.ts';

const withType = (schema: JsonObject): JsonObject =>
  schema.has('type') ? schema : new Map<string, JsonValue>([...schema, ['type', 'object']]);

const dumpTool = (tool: JsonValue): Read<JsonObject> => {
  const schema = isJsonObject(tool) ? objectMember(tool, 'input_schema') : null;
  if (!isJsonObject(tool) || schema === null) return refused('invalid-tools');
  const dump = dumpFunction(new Map<string, JsonValue>([...tool, ['parameters', withType(schema)]]));
  return 'refused' in dump ? dump : read(functionTool(dump.value));
};

const dumpList = dumpingLists(dumpTool);

/** The `tool` member of the blocks that add or remove one. */
type Change = { readonly isRemoval: boolean; readonly tool: JsonObject };

const applyChanges = (tools: readonly JsonValue[], changes: readonly Change[]): Read<readonly JsonValue[]> => {
  const byName = new Map<string, JsonObject>();
  for (const tool of tools.filter(isJsonObject)) byName.set(stringMember(tool, 'name') ?? '', tool);
  const removed = new Set<string>();
  for (const { isRemoval, tool } of changes) {
    const definition = objectMember(tool, 'definition');
    const name = stringMember(definition ?? tool, 'name') ?? '';
    const declared = byName.get(name);
    if (definition !== null) byName.set(name, definition);
    else if (declared === undefined) return refused('invalid-tools');
    else if (!isRemoval) byName.set(name, new Map([...declared].filter(([key]) => key !== 'defer_loading')));
    if (isRemoval) removed.add(name);
    else removed.delete(name);
  }
  return read([...byName].filter(([name]) => !removed.has(name)).map(([, tool]) => tool));
};

const changesIn = (messages: readonly JsonObject[]): readonly Change[] =>
  messages
    .flatMap((message) => message.get('content'))
    .filter(isJsonObject)
    .flatMap((block) => {
      const type = block.get('type');
      const tool = objectMember(block, 'tool');
      if (tool === null || (type !== 'tool_addition' && type !== 'tool_removal')) return [];
      return [{ isRemoval: type === 'tool_removal', tool }];
    });

/** Whether a message adds tools or removes some. */
export const changesTools = (message: JsonObject): boolean => changesIn([message]).length > 0;

/** Anthropic's tools as vLLM dumps them for a chat template, changes in the messages applied; null where there are none. */
export const dumpAnthropicTools = (
  value: JsonValue | undefined,
  messages: readonly JsonObject[],
): Read<readonly JsonObject[] | null> => {
  const changes = changesIn(messages);
  const declared = value ?? null;
  if (declared === null && changes.length === 0) return read(null);
  if (declared !== null && !isJsonArray(declared)) return refused('invalid-tools');
  const tools = changes.length === 0 ? read(declared ?? []) : applyChanges(declared ?? [], changes);
  return 'refused' in tools ? tools : dumpList(tools.value);
};
