import type { EncodeOptions, Tokenizer } from './port.ts';
import { TokenCache } from './token-cache.ts';

/** Segments longer than this are not looked up: hashing them pays, keeping them would push much else out. */
const maxCachedLength = 1 << 20;

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Matches any of the added tokens, the longest where several start at one place; null where there are none. */
const patternOf = (addedTokens: readonly string[]): RegExp | null => {
  const longestFirst = addedTokens.filter((token) => token !== '').sort((left, right) => right.length - left.length);
  return longestFirst.length === 0 ? null : new RegExp(longestFirst.map(escaped).join('|'), 'g');
};

/**
 * Remembers the ids of a text's segments, a segment being an added token and the text up to the next one: of a growing
 * conversation only the new messages are encoded. Exact where encoding can restart at an added token, which the caller
 * vouches for by naming the `addedTokens` that it holds for; with none the whole text is one segment.
 */
export const createCachedTokenizer = (
  tokenizer: Tokenizer,
  options: { readonly addedTokens: readonly string[]; readonly maxBytes: number },
): Tokenizer => {
  const cache = new TokenCache(options);
  const pattern = patternOf(options.addedTokens);

  const encodeSegment = (segment: string): Int32Array => {
    if (segment.length > maxCachedLength) return tokenizer.encodePieces([segment]);
    const known = cache.get(segment);
    if (known !== null) return known;
    const ids = tokenizer.encodePieces([segment]);
    cache.set(segment, ids);
    return ids;
  };

  const encodeText = (text: string): Int32Array => {
    if (text === '') return new Int32Array(0);
    if (pattern === null) return encodeSegment(text);
    const segments: Int32Array[] = [];
    let start = 0;
    let count = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); ; match = pattern.exec(text)) {
      const end = match === null ? text.length : match.index;
      if (end > start) {
        const ids = encodeSegment(text.slice(start, end));
        segments.push(ids);
        count += ids.length;
        start = end;
      }
      if (match === null) break;
    }
    const [only] = segments;
    if (segments.length === 1 && only !== undefined) return only;
    const all = new Int32Array(count);
    let at = 0;
    for (const ids of segments) {
      all.set(ids, at);
      at += ids.length;
    }
    return all;
  };

  return {
    path: tokenizer.path,
    pathReason: tokenizer.pathReason,
    vocabularySize: tokenizer.vocabularySize,
    encode: (text: string, encodeOptions: EncodeOptions) =>
      encodeOptions.addSpecialTokens ? tokenizer.encode(text, encodeOptions) : encodeText(text),
    encodePieces: (pieces) => encodeText(pieces.join('')),
  };
};
