import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SidecarError } from '../../core/index.ts';
import { readJson } from '../api/json-reader.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../api/json-value.ts';
import { stringMember } from '../api/members.ts';
import { readTokenizerJson, type TokenizerJson } from '../tokenizer/tokenizer-json.ts';

/** What a model's folder says about its tokenizer and chat template; formats of Hugging Face's transformers. */
export interface ModelFiles {
  readonly tokenizer: TokenizerJson;
  /** `tokenizer_config.json`, parsed; an empty object where there is none. */
  readonly config: unknown;
  /** Special tokens by name (`bos_token` …), those that are set. */
  readonly specialTokens: JsonObject;
  /** Sources of the chat templates; null where the model has none. `withTools` is the one named `tool_use`. */
  readonly templates: { readonly plain: string; readonly withTools: string } | null;
}

const specialTokenNames = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

const absentCodes: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

const isAbsent = (failure: unknown): boolean =>
  typeof failure === 'object' && failure !== null && 'code' in failure && absentCodes.has(failure.code);

const readBytes = async (folder: string, name: string): Promise<Buffer | null> => {
  try {
    return await readFile(join(folder, name));
  } catch (failure) {
    if (isAbsent(failure)) return null;
    throw SidecarError.from(failure, 'tokenizer-unavailable');
  }
};

const readText = async (folder: string, name: string): Promise<string | null> => {
  const bytes = await readBytes(folder, name);
  return bytes === null ? null : bytes.toString('utf8');
};

const parse = <Value>(read: () => Value, name: string): Value => {
  try {
    return read();
  } catch {
    throw new SidecarError('tokenizer-unavailable', `${name} is not JSON`, { details: { file: name } });
  }
};

const objectOf = (text: string | null): JsonObject => {
  const reading = text === null ? null : readJson(text);
  return reading?.kind === 'whole' && isJsonObject(reading.value) ? reading.value : new Map();
};

/** A special token is written as a string or as an object with its `content`. */
const tokenText = (value: JsonValue | undefined): string | null => {
  if (typeof value === 'string') return value;
  return isJsonObject(value) ? stringMember(value, 'content') : null;
};

const readSpecialTokens = (config: JsonObject, map: JsonObject): JsonObject => {
  const tokens = new Map<string, JsonValue>();
  for (const name of specialTokenNames) {
    const text = tokenText(config.has(name) ? config.get(name) : map.get(name));
    if (text !== null) tokens.set(name, text);
  }
  return tokens;
};

/** `chat_template` of a configuration: one source, or several by name. */
const configuredTemplates = (value: JsonValue | undefined): ModelFiles['templates'] => {
  if (typeof value === 'string') return { plain: value, withTools: value };
  if (!isJsonArray(value)) return null;
  const byName = new Map<string, string>();
  for (const entry of value.filter(isJsonObject)) {
    const name = stringMember(entry, 'name');
    const source = stringMember(entry, 'template');
    if (name !== null && source !== null) byName.set(name, source);
  }
  const plain = byName.get('default') ?? byName.values().next().value;
  return plain === undefined ? null : { plain, withTools: byName.get('tool_use') ?? plain };
};

/**
 * Reads what a model's folder says: `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json`, and the chat
 * template from `chat_template.jinja`, else `chat_template.json`, else the configuration. Throws SidecarError
 * `tokenizer-unavailable` where there is no usable `tokenizer.json`.
 */
export const readModelFiles = async (folder: string): Promise<ModelFiles> => {
  const [tokenizer, config, map, jinja, processor] = await Promise.all([
    readBytes(folder, 'tokenizer.json'),
    readText(folder, 'tokenizer_config.json'),
    readText(folder, 'special_tokens_map.json'),
    readText(folder, 'chat_template.jinja'),
    readText(folder, 'chat_template.json'),
  ]);
  if (tokenizer === null)
    throw new SidecarError('tokenizer-unavailable', 'the folder has no tokenizer.json', { details: { folder } });
  const settings = objectOf(config);
  const template = jinja === null ? (objectOf(processor).get('chat_template') ?? settings.get('chat_template')) : jinja;
  return {
    tokenizer: parse(() => readTokenizerJson(tokenizer), 'tokenizer.json'),
    config: config === null ? {} : parse((): unknown => JSON.parse(config), 'tokenizer_config.json'),
    specialTokens: readSpecialTokens(settings, objectOf(map)),
    templates: configuredTemplates(template),
  };
};
