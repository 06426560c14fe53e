import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../api/json-value.ts';
import type { ChatMessage, ContentPart } from '../api/prompt-source.ts';
import type { RememberedMessage } from '../memo/conversation-record.ts';
import type { ContentFormat } from '../template/port.ts';

const partObject = (part: ContentPart): JsonObject => {
  switch (part.kind) {
    case 'text':
      return new Map<string, JsonValue>([['type', 'text'], ['text', part.text], ...(part.extra ?? [])]);
    case 'media':
      return new Map<string, JsonValue>([['type', part.modality], ...(part.extra ?? [])]);
    case 'tool-reference':
      return new Map([
        ['type', 'tool_reference'],
        ['name', part.name],
      ]);
  }
};

const partText = (part: ContentPart): string => {
  if (part.kind === 'text') return part.text;
  return part.kind === 'tool-reference' ? part.name : '';
};

const joined = (texts: readonly string[]): string => texts.filter((text) => text !== '').join('\n');

const contentOf = ({ role, content }: ChatMessage, format: ContentFormat): JsonValue => {
  if (format === 'string') return joined(content.map(partText));
  const isText = content.every(({ kind }) => kind === 'text');
  // Tool results are text for templates that loop over content too; empty parts keep their line there.
  if (role === 'tool' && isText) return content.map(partText).join('\n');
  return content.map(partObject);
};

/** A message as the template sees it. */
const messageObject = (message: ChatMessage, format: ContentFormat): JsonObject =>
  new Map<string, JsonValue>([['role', message.role], ['content', contentOf(message, format)], ...message.members]);

const systemText = (content: JsonValue | undefined): string => {
  if (!isJsonArray(content)) return typeof content === 'string' ? content : '';
  return content
    .flatMap((part) => (isJsonObject(part) ? [part.get('text')] : []))
    .filter((text) => typeof text === 'string')
    .join('\n');
};

const withoutDeveloper = (message: JsonObject): JsonObject => {
  if (message.get('role') !== 'developer') return message;
  const copy = new Map(message);
  copy.delete('tools');
  return copy.set('role', 'system');
};

/** All system messages as one at the start, unless the only one stands there already. */
const consolidated = (messages: readonly JsonObject[]): readonly JsonObject[] => {
  const system = messages.filter((message) => message.get('role') === 'system');
  if (system.length <= 1 && messages.indexOf(system[0] ?? new Map()) <= 0) return messages;
  const text = system
    .map((message) => systemText(message.get('content')))
    .filter((part) => part !== '')
    .join('\n\n');
  const others = messages.filter((message) => message.get('role') !== 'system');
  return [
    new Map<string, JsonValue>([
      ['role', 'system'],
      ['content', text],
    ]),
    ...others,
  ];
};

/** What of a template matters for its messages. */
interface MessageTraits {
  readonly contentFormat: ContentFormat;
  readonly knowsDeveloper: boolean;
}

/**
 * Messages as the template sees them: content in the format it wants, `developer` messages turned into system messages
 * at the start for templates that do not name that role (vLLM's `safe_apply_chat_template`).
 */
export const templateMessages = (messages: readonly ChatMessage[], traits: MessageTraits): readonly JsonObject[] => {
  const objects = messages.map((message) => messageObject(message, traits.contentFormat));
  if (traits.knowsDeveloper || !messages.some(({ role }) => role === 'developer')) return objects;
  return consolidated(objects.map(withoutDeveloper));
};

/** The same of remembered messages, whose form is remembered too. */
export const knownTemplateMessages = (
  messages: readonly RememberedMessage[],
  traits: MessageTraits,
): readonly JsonObject[] => {
  const { contentFormat: format, knowsDeveloper } = traits;
  if (!knowsDeveloper && messages.some(({ message }) => message.role === 'developer')) {
    return templateMessages(
      messages.map(({ message }) => message),
      traits,
    );
  }
  return messages.map((known) => {
    if (known.shown?.format !== format) known.shown = { format, value: messageObject(known.message, format) };
    return known.shown.value;
  });
};
