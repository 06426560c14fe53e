import { isJsonArray, JsonNumber, type JsonValue } from './json-value.ts';
import { hasMember } from './members.ts';
import type { PlainPrompt, PromptSource } from './prompt-source.ts';
import { type Read, read, readAll, refused } from './refusal.ts';
import { isOpenAt, type RequestBody, tokenPrompts, withPromptOptions } from './request-body.ts';

const maxTokenId = 0x7fffffff;

const isTokenId = (value: JsonValue): value is JsonNumber =>
  value instanceof JsonNumber && Number.isInteger(value.value) && value.value >= 0 && value.value <= maxTokenId;

/** Token ids written as floats without a fraction, which pydantic takes for integers. */
const floatIds = (value: JsonValue): Int32Array | null =>
  isJsonArray(value) && value.length > 0 && value.every(isTokenId) ? Int32Array.from(value, (id) => id.value) : null;

const readTexts = (body: RequestBody, key: string): Read<readonly PlainPrompt[]> => {
  const value: JsonValue = body.root.get(key) ?? null;
  const isOpen = isOpenAt(body, key);
  if (typeof value === 'string') return read([{ kind: 'text', text: value, isWhole: !isOpen }]);
  if (value === null) return read([]);
  if (!isJsonArray(value)) return refused('invalid-prompt');
  const tokenIds = floatIds(value);
  if (tokenIds !== null) return read([{ kind: 'tokens', tokenIds, isWhole: !isOpen }]);
  const isLastOpen = isOpen && (body.openPath?.length ?? 0) > 1;
  return readAll(
    value,
    (text, index): Read<PlainPrompt> =>
      typeof text === 'string'
        ? read({ kind: 'text', text, isWhole: !(isLastOpen && index === value.length - 1) })
        : refused('invalid-prompt'),
  );
};

const isEmpty = (prompt: PlainPrompt): boolean =>
  prompt.isWhole && (prompt.kind === 'text' ? prompt.text === '' : prompt.tokenIds.length === 0);

/**
 * The prompts under `key`: a string, a list of strings, a list of token ids or a list of such lists. Ids are used as they
 * are; a list of several is as many sequences.
 */
export const plainSource = (body: RequestBody, key: string): Read<PromptSource> => {
  if (hasMember(body.root, 'prompt_embeds')) return refused('prompt-embeds');
  // Text around a gap is put together as the model wants it.
  if (hasMember(body.root, 'suffix')) return refused('unsupported');
  const tokens = tokenPrompts(body, key);
  const prompts = tokens.length > 0 ? read(tokens) : readTexts(body, key);
  if ('refused' in prompts) return prompts;
  if (prompts.value.length === 0) return refused(body.openPath === null ? 'no-prompt' : 'cut');
  if (prompts.value.some(isEmpty)) return refused('no-prompt');
  return withPromptOptions(
    body,
    { kind: 'plain', prompts: prompts.value },
    { addsSpecialTokens: true, truncates: true },
  );
};
