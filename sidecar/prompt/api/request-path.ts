import type { ApiKind } from '../types.ts';

/** What a path asks for: an API, or how to treat a request that has no prompt to read. */
export type PathMeaning = ApiKind | 'load-only' | 'unknown';

/** By the end of the path, so that any prefix in front is allowed. Longest first where one ends in another. */
const endings: readonly (readonly [ending: string, meaning: PathMeaning])[] = [
  ['/chat/completions', 'chat'],
  ['/completions', 'completions'],
  ['/responses', 'responses'],
  ['/messages/count_tokens', 'count-tokens'],
  ['/messages', 'messages'],
  ['/embeddings', 'embeddings'],
  ['/inference/v1/generate', 'generate'],
  ['/tokenize', 'tokenize'],
  ['/score', 'load-only'],
  ['/rerank', 'load-only'],
  ['/classify', 'load-only'],
  ['/pooling', 'load-only'],
];

const pathOnly = (path: string): string => {
  const end = path.search(/[?#]/);
  const bare = end < 0 ? path : path.slice(0, end);
  return bare.length > 1 && bare.endsWith('/') ? bare.slice(0, -1) : bare;
};

const renderEnding = '/render';

/** Whether a path only asks for the tokens of a prompt, as vLLM's `…/render`. */
export const isRenderPath = (path: string | null): boolean => path !== null && pathOnly(path).endsWith(renderEnding);

/**
 * The API behind a request path, by its last segments (`/v1/chat/completions`, also below any prefix); `/render` behind
 * one means the same prompt. `load-only` for APIs whose prompts are not matched.
 */
export const pathMeaning = (path: string): PathMeaning => {
  const bare = pathOnly(path);
  const rendered = isRenderPath(bare) ? bare.slice(0, -renderEnding.length) : bare;
  return endings.find(([ending]) => rendered.endsWith(ending))?.[1] ?? 'unknown';
};
