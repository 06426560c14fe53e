import type { ApiKind, ParsedRequest, PromptRequest, TokenIdsMember } from '../types.ts';
import { anthropicSource } from './anthropic.ts';
import { shapeMeaning } from './body-shape.ts';
import { chatDialect, chatSource, embeddingsDialect, tokenizeDialect } from './chat.ts';
import { plainSource } from './completions.ts';
import { decodeBody } from './decode-body.ts';
import { generateSource } from './generate.ts';
import { type JsonReaderOptions, readJson } from './json-reader.ts';
import { isJsonArray, isJsonObject, type JsonObject } from './json-value.ts';
import { booleanMember, hasMember, objectMember, stringMember } from './members.ts';
import type { PromptSource } from './prompt-source.ts';
import { type Read, type Refusal, read, refused } from './refusal.ts';
import type { RequestBody } from './request-body.ts';
import { isRenderPath, type PathMeaning, pathMeaning } from './request-path.ts';
import { responsesSource } from './responses.ts';

/** Root members that are kept; whatever else a body holds is checked and dropped. */
const keys: ReadonlySet<string> = new Set([
  'add_generation_prompt',
  'add_special_tokens',
  'anthropic_version',
  'cache_salt',
  'chat_template',
  'chat_template_kwargs',
  'content_parts',
  'continue_final_message',
  'dimensions',
  'documents',
  'echo',
  'encoding_format',
  'features',
  'input',
  'instructions',
  'kv_transfer_params',
  'logprobs',
  'messages',
  'metadata',
  'model',
  'output_config',
  'previous_input_messages',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'prompt_embeds',
  'prompt_logprobs',
  'queries',
  'query',
  'reasoning',
  'reasoning_effort',
  'sampling_params',
  'session_id',
  'stop_sequences',
  'stream',
  'suffix',
  'system',
  'text_1',
  'thinking',
  'token_ids',
  'tool_choice',
  'tools',
  'truncate_prompt_tokens',
  'truncation_side',
  'user',
]);

const tokenKeys: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['', new Set(['prompt', 'input', 'token_ids'])],
  ['kv_transfer_params', new Set(['prompt_token_ids'])],
]);

/** How a request's JSON is read. */
export const bodyOptions: JsonReaderOptions = { keys, tokenKeys };

const readBody = (request: PromptRequest): Read<RequestBody> => {
  const text = decodeBody(request.body, request);
  if (text === null) return refused('not-utf8');
  const reading = readJson(text, bodyOptions);
  if (reading.kind === 'invalid' || (reading.kind === 'cut' && request.isComplete)) return refused('invalid-json');
  if (reading.value === undefined) return refused('cut');
  if (!isJsonObject(reading.value)) return refused('not-an-object');
  return read({
    root: reading.value,
    tokenLists: reading.tokenLists,
    openPath: reading.kind === 'cut' ? reading.openPath : null,
  });
};

/** Embeddings of texts, token ids or a conversation, which may stand under `messages` or `input`. */
const embeddingsSource = (body: RequestBody): Read<PromptSource> => {
  const input = body.root.get('input');
  const isConversation = isJsonArray(input) && isJsonObject(input[0]);
  if (isConversation) {
    const openPath = body.openPath?.map((step, index) => (index === 0 && step === 'input' ? 'messages' : step)) ?? null;
    return chatSource({ ...body, openPath, root: new Map([...body.root, ['messages', input]]) }, embeddingsDialect);
  }
  return body.root.has('messages') ? chatSource(body, embeddingsDialect) : plainSource(body, 'input');
};

/** The prompt of a body by its API. */
export const readSource = (body: RequestBody, api: ApiKind): Read<PromptSource> => {
  switch (api) {
    case 'chat':
      return chatSource(body, chatDialect);
    case 'completions':
      return plainSource(body, 'prompt');
    case 'responses':
      return responsesSource(body);
    case 'messages':
    case 'count-tokens':
      return anthropicSource(body);
    case 'embeddings':
      return embeddingsSource(body);
    case 'generate':
      return generateSource(body);
    case 'tokenize':
      return body.root.has('messages') ? chatSource(body, tokenizeDialect) : plainSource(body, 'prompt');
    case 'other':
      return refused('unknown-api');
  }
};

/** Whether the engine looks the prompt up in its prefix cache; it does not where it must compute every position. */
const readsCache = (root: JsonObject, path: string | null, api: ApiKind): boolean => {
  if (api === 'tokenize' || api === 'count-tokens' || isRenderPath(path)) return false;
  const sampling = api === 'generate' ? objectMember(root, 'sampling_params') : root;
  if (sampling === null) return true;
  if (hasMember(sampling, 'prompt_logprobs') || sampling.get('skip_reading_prefix_cache') === true) return false;
  return !(api === 'completions' && booleanMember(root, 'echo', false) && hasMember(root, 'logprobs'));
};

/** With `echo`, text made of ids would be answered in place of the client's; `truncate_prompt_tokens` cuts ids otherwise. */
const tokenIdsMember = (root: JsonObject, api: ApiKind): TokenIdsMember | null => {
  if (api === 'chat' || api === 'messages') return 'kv_transfer_params';
  if (api !== 'completions' || typeof root.get('prompt') !== 'string') return null;
  return booleanMember(root, 'echo', false) || hasMember(root, 'truncate_prompt_tokens') ? null : 'prompt';
};

const sessionId = (root: JsonObject): string | null => {
  for (const key of ['session_id', 'prompt_cache_key', 'user']) {
    const value = stringMember(root, key);
    if (value !== null && value !== '') return value;
  }
  const metadata = objectMember(root, 'metadata');
  return metadata === null ? null : stringMember(metadata, 'user_id');
};

/** What a body says besides its prompt. */
export type RequestTraits = Pick<
  ParsedRequest,
  'model' | 'isStreaming' | 'sessionId' | 'readsCache' | 'tokenIdsMember'
>;

export const requestTraits = (
  body: RequestBody,
  request: { readonly path: string | null; readonly api: ApiKind },
): RequestTraits => ({
  model: body.openPath?.[0] === 'model' ? null : stringMember(body.root, 'model'),
  isStreaming: booleanMember(body.root, 'stream', false),
  sessionId: sessionId(body.root),
  readsCache: readsCache(body.root, request.path, request.api),
  tokenIdsMember: tokenIdsMember(body.root, request.api),
});

const meaningOf = (path: string | null, body: RequestBody): PathMeaning => {
  const meaning = path === null ? 'unknown' : pathMeaning(path);
  return meaning === 'unknown' ? shapeMeaning(body.root, body.tokenLists) : meaning;
};

const withoutPrompt = (request: PromptRequest, why: Refusal): ParsedRequest => {
  const meaning = request.path === null ? 'unknown' : pathMeaning(request.path);
  return {
    api: meaning === 'unknown' || meaning === 'load-only' ? 'other' : meaning,
    model: null,
    isStreaming: false,
    sessionId: null,
    readsCache: true,
    tokenIdsMember: null,
    unreadable: why,
    bodyBytes: request.body.byteLength,
  };
};

/**
 * Reads a request's body, whole or cut off anywhere: which API, which model, what is to be encoded. The API is told by
 * the path, where that is unknown by the body. Follows what vLLM 0.32 accepts; why a prompt cannot be had is in
 * `unreadable`. Never throws; time is linear in the body.
 */
export const parseRequest = (request: PromptRequest): ParsedRequest => {
  const reading = readBody(request);
  if ('refused' in reading) return withoutPrompt(request, reading.refused);
  const body = reading.value;
  const meaning = meaningOf(request.path, body);
  const api = meaning === 'unknown' || meaning === 'load-only' ? 'other' : meaning;
  const source = readSource(body, api);
  return {
    api,
    ...requestTraits(body, { path: request.path, api }),
    unreadable: meaning === 'load-only' || !('refused' in source) ? null : source.refused,
    bodyBytes: request.body.byteLength,
    ...('refused' in source
      ? {}
      : {
          prompt: {
            source: source.value,
            path: request.path,
            body: request.body,
            isBodyWhole: body.openPath === null,
          },
        }),
  };
};
