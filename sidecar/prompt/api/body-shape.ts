import type { TokenLists } from './json-reader.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import type { PathMeaning } from './request-path.ts';

const hasAny = (root: JsonObject, keys: readonly string[]): boolean => keys.some((key) => root.has(key));

const anthropicBlocks: ReadonlySet<JsonValue | undefined> = new Set(['tool_use', 'tool_result', 'thinking', 'image']);

/** Whether a message list has what only Anthropic's API knows. */
const isAnthropic = (root: JsonObject, messages: readonly JsonValue[]): boolean => {
  if (hasAny(root, ['system', 'stop_sequences', 'output_config', 'anthropic_version'])) return true;
  const tools = root.get('tools');
  if (isJsonArray(tools) && tools.some((tool) => isJsonObject(tool) && tool.has('input_schema'))) return true;
  return messages.some((message) => {
    const content = isJsonObject(message) ? message.get('content') : undefined;
    if (!isJsonArray(content)) return false;
    return content.some(
      (block) => isJsonObject(block) && anthropicBlocks.has(block.get('type')) && !block.has('image_url'),
    );
  });
};

const isEmbeddings = (root: JsonObject, input: JsonValue | undefined): boolean => {
  if (hasAny(root, ['encoding_format', 'dimensions'])) return true;
  return isJsonArray(input) && input.length > 0 && input.every((item) => typeof item === 'string' || isJsonArray(item));
};

/**
 * The API by the body's members, for edges that do not know the path. `messages` is chat unless something in it is
 * Anthropic's alone; `input` is the Responses API's unless it looks like texts to embed.
 */
export const shapeMeaning = (root: JsonObject, tokenLists: ReadonlyMap<string, TokenLists>): PathMeaning => {
  const messages = root.get('messages');
  if (isJsonArray(messages)) return isAnthropic(root, messages) ? 'messages' : 'chat';
  if (root.has('prompt') || root.has('prompt_embeds')) return 'completions';
  if (root.has('token_ids')) return 'generate';
  if (hasAny(root, ['query', 'text_1', 'queries'])) return 'load-only';
  const input = root.get('input');
  if (input === undefined) return 'unknown';
  return tokenLists.has('input') || isEmbeddings(root, input) ? 'embeddings' : 'responses';
};
