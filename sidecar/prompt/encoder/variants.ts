import type { JsonObject, JsonValue } from '../api/json-value.ts';
import { type ChatMessage, type ContentPart, type Conversation, hasMediaPart } from '../api/prompt-source.ts';

/** Stands for text that is not known; whatever a template prints from it on is not known either. */
export const unknownText = '\uf8ffunknown\uf8ff';

const noMembers: JsonObject = new Map();
const textPart = (text: string): ContentPart => ({ kind: 'text', text, extra: null });
const said = (role: string, text: string): ChatMessage => ({ role, content: [textPart(text)], members: noMembers });

const withLast = (conversation: Conversation, change: (last: ChatMessage) => ChatMessage): Conversation => {
  const last = conversation.messages.at(-1);
  if (last === undefined) return conversation;
  return { ...conversation, messages: [...conversation.messages.slice(0, -1), change(last)] };
};

const followedBy = (conversation: Conversation, role: string): Conversation => ({
  ...conversation,
  messages: [...conversation.messages, said(role, unknownText)],
});

/** The message with its last text going on. */
const goingOn = (message: ChatMessage, more: string): ChatMessage => {
  const last = message.content.at(-1);
  const content: readonly ContentPart[] =
    last?.kind === 'text'
      ? [...message.content.slice(0, -1), { ...last, text: last.text + more }]
      : [...message.content, textPart(more)];
  return { ...message, content };
};

const withMember = (message: ChatMessage, key: string, value: JsonValue): ChatMessage => ({
  ...message,
  members: new Map([...message.members, [key, value]]),
});

const unknownCall: JsonValue = new Map<string, JsonValue>([
  ['id', unknownText],
  [
    'function',
    new Map<string, JsonValue>([
      ['arguments', new Map()],
      ['name', unknownText],
    ]),
  ],
  ['type', 'function'],
]);

const unknownTool: JsonValue = new Map<string, JsonValue>([
  ['type', 'function'],
  [
    'function',
    new Map<string, JsonValue>([
      ['name', unknownText],
      ['description', unknownText],
      [
        'parameters',
        new Map<string, JsonValue>([
          ['type', 'object'],
          ['properties', new Map()],
        ]),
      ],
    ]),
  ],
]);

const unknownDocument: JsonValue = new Map([
  ['title', unknownText],
  ['text', unknownText],
]);

/** Ways in which an unfinished last message may end. */
const openEnds = (conversation: Conversation): readonly Conversation[] => {
  const open = withLast(conversation, (last) => goingOn(last, unknownText));
  const ends = [open, conversation];
  if (conversation.messages.at(-1)?.role !== 'assistant') return ends;
  return [
    ...ends,
    withLast(conversation, (last) => goingOn(last, `</think>${unknownText}`)),
    withLast(open, (last) => withMember(withMember(last, 'reasoning', unknownText), 'reasoning_content', unknownText)),
    withLast(open, (last) => withMember(last, 'tool_calls', [unknownCall])),
  ];
};

/** Ways in which a cut conversation may go on, if nothing but messages follows. The first is the plainest. */
export const continuations = (conversation: Conversation): readonly Conversation[] => {
  const { cut } = conversation;
  if (cut === null) return [conversation];
  const ends = cut.isLastMessageOpen ? openEnds(conversation) : [conversation];
  if (!cut.moreMessages) return ends;
  return [...ends, ...['user', 'assistant', 'tool'].map((role) => followedBy(conversation, role))];
};

const withSystem = (conversation: Conversation): Conversation => {
  const [first] = conversation.messages;
  if (first?.role !== 'system')
    return { ...conversation, messages: [said('system', unknownText), ...conversation.messages] };
  const content = [textPart(unknownText), ...first.content];
  return { ...conversation, messages: [{ ...first, content }, ...conversation.messages.slice(1)] };
};

/** Values that a template variable may turn out to have. */
const variableValues: readonly JsonValue[] = [true, false, unknownText];

const withVariables = (conversation: Conversation, names: readonly string[], value: JsonValue): Conversation => ({
  ...conversation,
  templateVariables: new Map([
    ...names.map((name): [string, JsonValue] => [name, value]),
    ...conversation.templateVariables,
  ]),
});

/** Ways in which members that come after the cut may change a conversation. `variables` are those the template reads. */
export const laterMembers = (conversation: Conversation, variables: readonly string[]): readonly Conversation[] => {
  const mayFollow = conversation.cut?.mayFollow;
  if (mayFollow === undefined) return [];
  const changed: Conversation[] = [];
  if (mayFollow.has('tools')) changed.push({ ...conversation, tools: [unknownTool] });
  if (mayFollow.has('documents')) changed.push({ ...conversation, documents: [unknownDocument] });
  if (mayFollow.has('system')) changed.push(withSystem(conversation));
  if (mayFollow.has('variables'))
    changed.push(...variableValues.map((value) => withVariables(conversation, variables, value)));
  return changed;
};

/** Whether a conversation has parts whose tokens only the model's processor knows. */
export const hasMedia = ({ messages }: Conversation): boolean => messages.some(hasMediaPart);

/**
 * The conversation with its first image or the like as unknown text: where content is one string, the engine may put a
 * placeholder at its start.
 */
export const withUnknownMedia = (conversation: Conversation, contentFormat: 'string' | 'openai'): Conversation => ({
  ...conversation,
  messages: conversation.messages.map((message) => {
    if (!hasMediaPart(message)) return message;
    const parts = message.content.map((part) => (part.kind === 'media' ? textPart(unknownText) : part));
    return { ...message, content: contentFormat === 'string' ? [textPart(unknownText), ...parts] : parts };
  }),
});
