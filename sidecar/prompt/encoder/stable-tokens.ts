import type { Steps } from '../memo/in-slices.ts';
import { joinIds } from '../tokenizer/join-ids.ts';
import type { Tokenizer } from '../tokenizer/port.ts';

const lineFeed = 10;
const space = 32;
const maxAttempts = 4;
const none = new Int32Array(0);

const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/**
 * Whether the words of every pre-tokenizer in use end at `at`, whatever follows the text: between a letter and a space
 * before a letter, or after a line's end before something visible.
 */
const isWordBorder = (text: string, at: number): boolean => {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  if (before === lineFeed) return after > space && after < 127;
  return isLetter(before) && after === space && isLetter(text.charCodeAt(at + 1));
};

const isPrefix = (ids: Int32Array, of: Int32Array): boolean => {
  if (ids.length > of.length) return false;
  for (let at = 0; at < ids.length; at++) if (ids[at] !== of[at]) return false;
  return true;
};

/** Ids with the special tokens in front that the post-processor puts there; those behind a text are not known. */
export const withLeadingTokens = (tokenizer: Tokenizer, ids: Int32Array): Int32Array => {
  const own = tokenizer.encode('a', { addSpecialTokens: false });
  const all = tokenizer.encode('a', { addSpecialTokens: true });
  const lead = own[0] === undefined ? 0 : Math.max(0, all.indexOf(own[0]));
  return lead === 0 || ids.length === 0 ? ids : joinIds(all.subarray(0, lead), ids);
};

/**
 * Ids that a text keeps whatever is appended to it: those up to the last border between words that what follows cannot
 * move, found by trying. Empty where there is none.
 */
export function* stableTokens(text: string, encode: (text: string) => Steps<Int32Array>): Steps<Int32Array> {
  const all = yield* encode(text);
  let attempts = 0;
  for (let at = text.length - 2; at > 0 && attempts < maxAttempts; at--) {
    if (!isWordBorder(text, at)) continue;
    const ids = yield* encode(text.slice(0, at));
    if (isPrefix(ids, all)) return ids;
    attempts++;
  }
  return none;
}
