import { isBillingHeader } from './content-part.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { listMember, objectMember, stringMember } from './members.ts';
import { type Read, read, refused } from './refusal.ts';

/** What one Anthropic message becomes: chat messages, the calls' results before the message itself. */
export type ChatShaped = readonly JsonObject[];

const blockTypes: ReadonlySet<string> = new Set([
  'text',
  'image',
  'tool_use',
  'tool_result',
  'tool_reference',
  'thinking',
  'redacted_thinking',
  'tool_addition',
  'tool_removal',
]);

const textPart = (text: string): JsonObject =>
  new Map([
    ['type', 'text'],
    ['text', text],
  ]);

/** Stands for an image whose bytes do not matter: what follows it is not known without the model's processor. */
const imagePart: JsonObject = new Map([['type', 'image_url']]);

/** The blocks of a content list, checked; a string has none. */
export const blocksOf = (content: JsonValue | undefined, isOpen: boolean): Read<readonly JsonObject[]> => {
  if (!isJsonArray(content)) return refused('invalid-messages');
  const blocks: JsonObject[] = [];
  for (const [index, block] of content.entries()) {
    const isKnown = isJsonObject(block) && blockTypes.has(stringMember(block, 'type') ?? '');
    if (isKnown) blocks.push(block);
    else if (!(isOpen && index === content.length - 1)) return refused('invalid-messages');
  }
  return read(blocks);
};

/** A system text: a string, or the text blocks joined; billing headers left out. */
export const systemText = (content: JsonValue | undefined, keepsHeaderOfString: boolean): string => {
  if (typeof content === 'string') return !keepsHeaderOfString && isBillingHeader(content) ? '' : content;
  if (!isJsonArray(content)) return '';
  return content
    .map((block) => (isJsonObject(block) && block.get('type') === 'text' ? (stringMember(block, 'text') ?? '') : ''))
    .filter((text) => !isBillingHeader(text))
    .join('');
};

/** JSON's text of an object that `parseArguments` reads back as it was: the object itself is handed on. */
const toolCall = (block: JsonObject): JsonObject =>
  new Map<string, JsonValue>([
    ['id', stringMember(block, 'id') ?? ''],
    [
      'function',
      new Map<string, JsonValue>([
        ['arguments', objectMember(block, 'input') ?? new Map()],
        ['name', stringMember(block, 'name') ?? ''],
      ]),
    ],
    ['type', 'function'],
  ]);

const toolMessage = (block: JsonObject, content: JsonValue): JsonObject =>
  new Map<string, JsonValue>([
    ['role', 'tool'],
    ['tool_call_id', stringMember(block, 'tool_use_id') ?? ''],
    ['content', content],
  ]);

/** A user's tool result: its text as a tool message, its images as a user message, its references as a tool message. */
const resultMessages = (block: JsonObject): ChatShaped => {
  const items = (listMember(block, 'content') ?? []).filter(isJsonObject);
  const ofType = (type: string): readonly JsonObject[] => items.filter((item) => item.get('type') === type);
  const text =
    stringMember(block, 'content') ??
    ofType('text')
      .map((item) => stringMember(item, 'text') ?? '')
      .join('\n');
  const references = ofType('tool_reference').flatMap((item) => {
    const name = stringMember(item, 'tool_name') || stringMember(item, 'name');
    return name
      ? [
          new Map<string, JsonValue>([
            ['type', 'tool_reference'],
            ['name', name],
          ]),
        ]
      : [];
  });
  const messages = [toolMessage(block, text)];
  const images = ofType('image').map(() => imagePart);
  if (images.length > 0)
    messages.push(
      new Map<string, JsonValue>([
        ['role', 'user'],
        ['content', images],
      ]),
    );
  if (references.length > 0) messages.push(toolMessage(block, references));
  return messages;
};

/** What the images among blocks, and among those of tool results, are made of. */
export const imageSources = (content: JsonValue | undefined): readonly JsonValue[] => {
  if (!isJsonArray(content)) return [];
  return content.filter(isJsonObject).flatMap((block) => {
    const source = objectMember(block, 'source');
    if (block.get('type') === 'image') return source === null ? [] : [source];
    return block.get('type') === 'tool_result' ? imageSources(block.get('content')) : [];
  });
};

/** A user's or assistant's blocks as chat messages, as vLLM translates them (`vllm/entrypoints/anthropic/serving.py`). */
export const chatMessagesOf = (role: string, blocks: readonly JsonObject[]): Read<ChatShaped> => {
  const before: JsonObject[] = [];
  const parts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const thoughts: string[] = [];
  for (const block of blocks) {
    const text = stringMember(block, 'text') ?? '';
    switch (block.get('type')) {
      case 'text':
        if (text !== '') parts.push(textPart(text));
        break;
      case 'image':
        if (objectMember(block, 'source') !== null) parts.push(imagePart);
        break;
      case 'thinking':
        thoughts.push(stringMember(block, 'thinking') ?? '');
        break;
      case 'tool_use':
        calls.push(toolCall(block));
        break;
      case 'tool_result':
        if (role === 'user') before.push(...resultMessages(block));
        // Python's print of a list would be needed.
        else if (listMember(block, 'content') !== null) return refused('unsupported');
        else parts.push(textPart(`Tool result: ${stringMember(block, 'content') ?? ''}`));
        break;
      default:
        break;
    }
  }
  const message = new Map<string, JsonValue>([['role', role]]);
  const [only] = parts;
  if (parts.length === 1 && only?.get('type') === 'text') message.set('content', only.get('text') ?? '');
  else if (parts.length > 0) message.set('content', parts);
  if (calls.length > 0) message.set('tool_calls', calls);
  if (thoughts.length > 0) message.set('reasoning', thoughts.join(''));
  return read(role === 'user' && parts.length === 0 ? before : [...before, message]);
};
