import type { ServedModel } from './snapshot.ts';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readModel = (card: unknown): readonly ServedModel[] => {
  if (!isRecord(card)) return [];
  const { id, parent, max_model_len: maxModelLength } = card;
  if (typeof id !== 'string' || id === '') return [];
  const model: ServedModel = {
    id,
    parent: typeof parent === 'string' && parent !== '' ? parent : null,
    maxModelLength: typeof maxModelLength === 'number' && maxModelLength > 0 ? maxModelLength : null,
  };
  return [Object.freeze(model)];
};

/**
 * Reads the answer of `GET /v1/models`: base models first, then LoRA adapters (cards with a parent), each group in the
 * engine's order. Cards without an id are left out; null where the text is no such answer at all. Format: OpenAI's list of
 * models with vLLM's `parent` and `max_model_len` (vllm/entrypoints/openai).
 */
export const parseServedModels = (text: string): readonly ServedModel[] | null => {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return null;
  }
  const data = isRecord(answer) ? answer['data'] : undefined;
  if (!Array.isArray(data)) return null;
  const models = data.flatMap(readModel);
  const isBase = ({ parent }: ServedModel): boolean => parent === null;
  return Object.freeze([...models.filter(isBase), ...models.filter((model) => !isBase(model))]);
};

/** Whether two lists say the same. */
export const sameModels = (a: readonly ServedModel[] | null, b: readonly ServedModel[]): boolean =>
  a !== null &&
  a.length === b.length &&
  a.every(({ id, parent, maxModelLength }, position) => {
    const other = b[position];
    return other?.id === id && other.parent === parent && other.maxModelLength === maxModelLength;
  });
