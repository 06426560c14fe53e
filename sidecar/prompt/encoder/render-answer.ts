import type { MultimodalItem } from '../../kvindex/index.ts';
import type { RemotePrompt } from './remote-encoder.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isTokenId = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

const readIds = (value: unknown): Int32Array | null =>
  isList(value) && value.every(isTokenId) ? Int32Array.from(value) : null;

const readItems = (features: Fields): readonly MultimodalItem[] | null => {
  const { mm_hashes: hashes, mm_placeholders: places } = features;
  if (!isFields(hashes) || !isFields(places)) return null;
  const items: MultimodalItem[] = [];
  for (const [modality, identifiers] of Object.entries(hashes)) {
    const ranges = places[modality];
    if (!isList(identifiers) || !isList(ranges) || ranges.length !== identifiers.length) return null;
    for (const [index, identifier] of identifiers.entries()) {
      const range = ranges[index];
      if (typeof identifier !== 'string' || !isFields(range)) return null;
      const { offset, length } = range;
      if (!isTokenId(offset) || !isTokenId(length)) return null;
      items.push({ identifier, offset, length });
    }
  }
  return items.sort((left, right) => left.offset - right.offset);
};

const readPrompt = (value: unknown): RemotePrompt | null => {
  if (!isFields(value)) return null;
  const tokenIds = readIds(value['token_ids'] ?? value['tokens']);
  if (tokenIds === null) return null;
  const { features } = value;
  if (features === null || features === undefined) return { tokenIds, multimodal: [] };
  const multimodal = isFields(features) ? readItems(features) : null;
  return multimodal === null ? null : { tokenIds, multimodal };
};

/**
 * The prompts in an answer of vLLM's `…/render` (one object, a list for completions) or `/tokenize`; null where it has
 * another form.
 */
export const readRenderAnswer = (answer: unknown): readonly RemotePrompt[] | null => {
  const prompts = (isList(answer) ? answer : [answer]).map(readPrompt);
  const whole = prompts.filter((prompt) => prompt !== null);
  return whole.length === prompts.length && whole.length > 0 ? whole : null;
};
