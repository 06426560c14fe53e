import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { stringMember } from './members.ts';
import type { ContentPart } from './prompt-source.ts';
import { type Read, read, refused } from './refusal.ts';

/** Which API's parts are expected; the Responses API names its text parts differently. */
export type PartDialect = 'chat' | 'responses';

/** Part type → member that holds its text. */
const textMembers: Readonly<Record<PartDialect, ReadonlyMap<string, string>>> = {
  chat: new Map([
    ['text', 'text'],
    ['refusal', 'refusal'],
    ['thinking', 'thinking'],
  ]),
  responses: new Map([
    ['text', 'text'],
    ['input_text', 'text'],
    ['output_text', 'text'],
    ['refusal', 'refusal'],
  ]),
};

const modalities: ReadonlyMap<string, 'image' | 'audio' | 'video'> = new Map([
  ['image_url', 'image'],
  ['input_image', 'image'],
  ['image_embeds', 'image'],
  ['audio_url', 'audio'],
  ['input_audio', 'audio'],
  ['audio_embeds', 'audio'],
  ['video_url', 'video'],
  ['video_embeds', 'video'],
]);

/** Members of the known part types; any other reaches templates that loop over parts. */
const knownMembers: ReadonlySet<string> = new Set([
  ...modalities.keys(),
  'closed',
  'data',
  'detail',
  'file',
  'image_pil',
  'name',
  'prompt_cache_breakpoint',
  'refusal',
  'text',
  'thinking',
  'type',
  'uuid',
]);

const extraMembers = (part: JsonObject): JsonObject | null => {
  const extra = new Map([...part].filter(([key]) => !knownMembers.has(key)));
  return extra.size === 0 ? null : extra;
};

const text = (value: string, extra: JsonObject | null = null): ContentPart => ({ kind: 'text', text: value, extra });

const typeOf = (part: JsonObject, isOpen: boolean): string | null => {
  const type = stringMember(part, 'type');
  if (type !== null) return type;
  const mediaKey = [...part.keys()].find((key) => modalities.has(key));
  return mediaKey ?? (isOpen && part.has('text') ? 'text' : null);
};

const readPart = (
  part: JsonValue,
  options: { readonly dialect: PartDialect; readonly isOpen: boolean },
): Read<ContentPart | null> => {
  if (typeof part === 'string') return read(text(part));
  if (!isJsonObject(part)) return refused('invalid-messages');
  const type = typeOf(part, options.isOpen);
  if (type === null) return options.isOpen ? read(null) : refused('invalid-messages');
  if (type === 'prompt_embeds') return refused('prompt-embeds');
  const modality = modalities.get(type);
  if (modality !== undefined) return read({ kind: 'media', modality, extra: extraMembers(part) });
  if (type === 'tool_reference') {
    const name = stringMember(part, 'name');
    return name === null ? refused('invalid-messages') : read({ kind: 'tool-reference', name });
  }
  const textMember = textMembers[options.dialect].get(type);
  if (textMember === undefined) return refused('invalid-messages');
  const value = part.get(textMember) ?? null;
  if (typeof value === 'string') return read(text(value, extraMembers(part)));
  return value === null && (type === 'text' || type === 'refusal' || options.isOpen)
    ? read(null)
    : refused('invalid-messages');
};

/**
 * A message's content as parts: a string is one text part, null and absent are none, a text part without text is left
 * out. Of an open list the last part may be unfinished. Follows vLLM's `vllm/renderers/chat_utils.py`.
 */
export const readContent = (
  content: JsonValue | undefined,
  options: { readonly dialect: PartDialect; readonly isOpen: boolean },
): Read<readonly ContentPart[]> => {
  if (content === undefined || content === null) return read([]);
  if (typeof content === 'string') return read([text(content)]);
  if (!isJsonArray(content)) return refused('invalid-messages');
  const parts: ContentPart[] = [];
  for (const [index, value] of content.entries()) {
    const isOpen = options.isOpen && index === content.length - 1;
    const part = readPart(value, { dialect: options.dialect, isOpen });
    if ('refused' in part) return part;
    if (part.value !== null) parts.push(part.value);
  }
  return read(parts);
};

/** What the media parts of a content list bring for the model's processor; no template sees it. */
export const mediaValues = (content: JsonValue | undefined): readonly JsonValue[] => {
  if (!isJsonArray(content)) return [];
  const media = content.filter(isJsonObject).filter((part) => modalities.has(typeOf(part, false) ?? ''));
  return media.flatMap((part) => [...part].flatMap(([key, value]) => (modalities.has(key) ? [value] : [])));
};

/** First line that Claude Code puts into its system prompts; it changes with every request. */
const billingHeader = 'x-anthropic-billing-header';

/** Whether a text is Claude Code's billing header, which vLLM leaves out of prompts. */
export const isBillingHeader = (value: string): boolean => value.startsWith(billingHeader);

/** A system message's parts without the line of the billing header. */
export const withoutBillingHeader = (parts: readonly ContentPart[]): readonly ContentPart[] => {
  if (!parts.some((part) => part.kind === 'text' && isBillingHeader(part.text))) return parts;
  return parts.flatMap((part): ContentPart[] => {
    if (part.kind !== 'text' || !isBillingHeader(part.text)) return [part];
    const lineEnd = part.text.indexOf('\n');
    const rest = lineEnd < 0 ? '' : part.text.slice(lineEnd + 1);
    return rest === '' ? [] : [{ ...part, text: rest }];
  });
};
