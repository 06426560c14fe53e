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

/** Special tokens that the post-processor puts in front of a text. */
const leadingTokens = (tokenizer: Tokenizer): Int32Array => {
  const own = tokenizer.encode('a', { addSpecialTokens: false });
  const all = tokenizer.encode('a', { addSpecialTokens: true });
  const [first] = own;
  return first === undefined ? none : all.slice(0, Math.max(0, all.indexOf(first)));
};

/**
 * Ids that a text keeps whatever is appended to it: those up to the last border between words that what follows cannot
 * move, found by trying. Empty where there is none.
 */
export const stableTokens = (
  tokenizer: Tokenizer,
  text: string,
  options: { readonly addsSpecialTokens: boolean },
): Int32Array => {
  // Special tokens behind the text are not known; those in front are the same for any text.
  const encode = (part: string): Int32Array => tokenizer.encode(part, { addSpecialTokens: false });
  const lead = options.addsSpecialTokens ? leadingTokens(tokenizer) : none;
  const all = encode(text);
  let attempts = 0;
  for (let at = text.length - 2; at > 0 && attempts < maxAttempts; at--) {
    if (!isWordBorder(text, at)) continue;
    const ids = encode(text.slice(0, at));
    if (isPrefix(ids, all)) return lead.length === 0 ? ids : Int32Array.from([...lead, ...ids]);
    attempts++;
  }
  return none;
};
