import type { Truncation } from '../api/prompt-source.ts';
import { joinIds } from '../tokenizer/join-ids.ts';
import type { Tokenizer } from '../tokenizer/port.ts';

const keep = (ids: Int32Array, count: number, end: 'left' | 'right'): Int32Array =>
  end === 'left' ? ids.slice(0, count) : ids.slice(Math.max(0, ids.length - count));

/** How many ids the post-processor puts in front of a text's own. */
const leadingSpecialTokens = (ids: Int32Array, own: Int32Array): number => {
  const extra = ids.length - own.length;
  for (let lead = 0; lead <= extra; lead++) {
    if (own.every((id, index) => ids[lead + index] === id)) return lead;
  }
  return 0;
};

/** Ids of a text, or of a prompt given as ids, with `truncate_prompt_tokens` applied as the engine does. */
export const encodeTruncated = (
  tokenizer: Tokenizer,
  prompt: string | Int32Array,
  options: { readonly addSpecialTokens: boolean; readonly truncation: Truncation },
): Int32Array => {
  const { keptTokens, keptEnd, sparesSpecialTokens } = options.truncation;
  if (typeof prompt !== 'string') return keep(prompt, keptTokens, keptEnd);
  const ids = tokenizer.encode(prompt, options);
  if (ids.length <= keptTokens) return ids;
  const own = options.addSpecialTokens ? tokenizer.encode(prompt, { addSpecialTokens: false }) : ids;
  const extra = ids.length - own.length;
  if (extra === 0 || !sparesSpecialTokens || keptTokens < extra) return keep(ids, keptTokens, keptEnd);
  const lead = leadingSpecialTokens(ids, own);
  const kept = keep(own, keptTokens - extra, 'right');
  return joinIds(ids.subarray(0, lead), kept, ids.subarray(lead + own.length));
};
