import type { PathStep, TokenLists } from './json-reader.ts';
import type { JsonObject, JsonValue } from './json-value.ts';
import { booleanMember, integerMember } from './members.ts';
import type { PlainPrompt, PromptSource, Truncation } from './prompt-source.ts';
import { type Read, read, refused } from './refusal.ts';

/** A body's root object as read, whole or cut. */
export interface RequestBody {
  readonly root: JsonObject;
  readonly tokenLists: ReadonlyMap<string, TokenLists>;
  /** Where the text ended; null where the body is whole. */
  readonly openPath: readonly PathStep[] | null;
}

/** Whether the text ended within the value of a root member. */
export const isOpenAt = (body: RequestBody, key: string): boolean => body.openPath?.[0] === key;

/** The token lists of a key as prompts; of a cut body the last may be unfinished. */
export const tokenPrompts = (body: RequestBody, key: string): readonly PlainPrompt[] => {
  const read = body.tokenLists.get(key);
  if (read === undefined) return [];
  return read.lists.map((tokenIds, index) => ({
    kind: 'tokens',
    tokenIds,
    isWhole: !(read.isLastOpen && index === read.lists.length - 1),
  }));
};

const maxSaltLength = 1024;

const readSalt = (body: RequestBody): Read<string | null> => {
  const salt = body.root.get('cache_salt') ?? null;
  if (salt === null) return read(null);
  if (isOpenAt(body, 'cache_salt')) return refused('cut');
  return typeof salt === 'string' && salt !== '' && salt.length <= maxSaltLength ? read(salt) : refused('invalid-salt');
};

const readTruncation = (root: JsonObject): Truncation | null => {
  const keptTokens = integerMember(root, 'truncate_prompt_tokens');
  // -1 stands for the model's limit, which longer prompts exceed only to be refused elsewhere.
  if (keptTokens === null || keptTokens < 0) return null;
  const side = root.get('truncation_side') ?? null;
  return { keptTokens, keptEnd: side === 'right' ? 'left' : 'right', sparesSpecialTokens: side === null };
};

/** What every API's prompt has besides its content. */
export const withPromptOptions = (
  body: RequestBody,
  content: PromptSource['content'],
  defaults: { readonly addsSpecialTokens: boolean; readonly truncates: boolean },
): Read<PromptSource> => {
  const salt = readSalt(body);
  if ('refused' in salt) return salt;
  return read({
    content,
    addsSpecialTokens: booleanMember(body.root, 'add_special_tokens', defaults.addsSpecialTokens),
    truncation: defaults.truncates ? readTruncation(body.root) : null,
    salt: salt.value,
    multimodal: [],
  });
};

/** Prompt ids that the request brings in `kv_transfer_params`: vLLM 0.27 and later use them and render nothing. */
export const givenPrompt = (body: RequestBody): Read<PlainPrompt | null> => {
  const parameters = body.root.get('kv_transfer_params');
  const ids: JsonValue = parameters instanceof Map ? (parameters.get('prompt_token_ids') ?? null) : null;
  if (ids === null) return read(null);
  const [prompt] = tokenPrompts(body, 'prompt_token_ids');
  const isNested = body.tokenLists.get('prompt_token_ids')?.isNested ?? false;
  if (prompt === undefined || isNested) return refused(isOpenAt(body, 'kv_transfer_params') ? 'cut' : 'invalid-prompt');
  return read(prompt);
};
