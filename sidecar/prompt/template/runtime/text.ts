/** Python's view of strings: code points instead of UTF-16 units, its own white space and its own title case. */

const surrogate = /[\ud800-\udfff]/;

/** Whether UTF-16 units and code points are the same. */
const isFlat = (text: string): boolean => !surrogate.test(text);

/** Characters of a string, one entry a code point. */
export const codePoints = (text: string): readonly string[] => (isFlat(text) ? text.split('') : Array.from(text));

/** Python's `len` of a string. */
export const textLength = (text: string): number => (isFlat(text) ? text.length : Array.from(text).length);

/** The character at an index that may be negative; undefined beyond the ends. */
export const characterAt = (text: string, index: number): string | undefined => {
  const characters = isFlat(text) ? text : Array.from(text);
  return characters[index < 0 ? characters.length + index : index];
};

/** Code points from `start` up to `stop`, both within the string. */
export const substring = (text: string, start: number, stop: number): string =>
  isFlat(text) ? text.slice(start, stop) : Array.from(text).slice(start, stop).join('');

/** Code point offset of a UTF-16 offset. */
export const toCodePointOffset = (text: string, unitOffset: number): number =>
  unitOffset <= 0 ? unitOffset : textLength(text.slice(0, unitOffset));

/** Python orders strings by code point, JavaScript by UTF-16 unit. */
export const compareText = (left: string, right: string): number => {
  if (left === right) return 0;
  if (isFlat(left) && isFlat(right)) return left < right ? -1 : 1;
  const a = Array.from(left);
  const b = Array.from(right);
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const difference = (a[at]?.codePointAt(0) ?? 0) - (b[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
};

/** Python's `str.isspace` for one UTF-16 unit; no white space lies beyond the first plane. */
const isSpace = (unit: number): boolean => {
  if (unit < 0x80) return (unit >= 9 && unit <= 13) || (unit >= 0x1c && unit <= 0x20);
  if (unit === 0x85 || unit === 0xa0) return true;
  if (unit < 0x1680) return false;
  return (
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000
  );
};

/** Which ends of a string to strip. */
export type StripSide = 'both' | 'left' | 'right';

const stripSpaces = (text: string, side: StripSide): string => {
  let start = 0;
  let end = text.length;
  if (side !== 'right') while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  if (side !== 'left') while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === text.length ? text : text.slice(start, end);
};

/** Python's `strip`, `lstrip`, `rstrip`; `characters` is a set of characters, null for white space. */
export const strip = (text: string, characters: string | null, side: StripSide): string => {
  if (characters === null) return stripSpaces(text, side);
  if (!isFlat(characters)) {
    const set = new Set(Array.from(characters));
    const all = Array.from(text);
    let first = 0;
    let last = all.length;
    if (side !== 'right') while (first < last && set.has(all[first] ?? '')) first += 1;
    if (side !== 'left') while (last > first && set.has(all[last - 1] ?? '')) last -= 1;
    return all.slice(first, last).join('');
  }
  let start = 0;
  let end = text.length;
  if (side !== 'right') while (start < end && characters.includes(text.charAt(start))) start += 1;
  if (side !== 'left') while (end > start && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const lineBreak = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;

/** Python's `splitlines`. */
export const splitLines = (text: string, keepBreaks: boolean): readonly string[] => {
  const lines: string[] = [];
  let start = 0;
  for (const match of text.matchAll(lineBreak)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(start, keepBreaks ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
};

/** Python's `split` at white space, at most `limit` times (-1: no limit). */
export const splitSpaces = (text: string, limit: number): readonly string[] => {
  const words: string[] = [];
  let position = 0;
  for (;;) {
    while (position < text.length && isSpace(text.charCodeAt(position))) position += 1;
    if (position === text.length) return words;
    if (limit >= 0 && words.length >= limit) return [...words, stripSpaces(text.slice(position), 'right')];
    const start = position;
    while (position < text.length && !isSpace(text.charCodeAt(position))) position += 1;
    words.push(text.slice(start, position));
  }
};

/** Python's `rsplit` at white space. */
export const splitSpacesFromRight = (text: string, limit: number): readonly string[] => {
  const words: string[] = [];
  let end = text.length;
  for (;;) {
    while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1;
    if (end === 0) break;
    if (limit >= 0 && words.length >= limit) {
      words.push(text.slice(0, end));
      break;
    }
    const stop = end;
    while (end > 0 && !isSpace(text.charCodeAt(end - 1))) end -= 1;
    words.push(text.slice(end, stop));
  }
  return words.reverse();
};

/** Letters whose title case is neither their upper case nor the first letter of it. */
const titleOf: Readonly<Record<string, string>> = {
  Ǆ: 'ǅ',
  ǆ: 'ǅ',
  Ǉ: 'ǈ',
  ǈ: 'ǈ',
  Ǌ: 'ǋ',
  ǌ: 'ǋ',
  Ǳ: 'ǲ',
  ǳ: 'ǲ',
  ǅ: 'ǅ',
  ǋ: 'ǋ',
  ǲ: 'ǲ',
};

/** Title case of one character, as Unicode's simple special casing: ß becomes Ss, Georgian letters stay. */
const titleCharacter = (character: string): string => {
  const special = titleOf[character];
  if (special !== undefined) return special;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x10d0 && code <= 0x10ff) return character;
  const [first = '', ...rest] = Array.from(character.toUpperCase());
  return first + rest.join('').toLowerCase();
};

/** Python's `capitalize`: first character in title case, all others in lower case. */
export const capitalize = (text: string): string => {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  return text === '' ? '' : titleCharacter(first) + text.slice(first.length).toLowerCase();
};

/** Python's `str.title`: each run of cased letters starts in title case. */
export const titleCase = (text: string): string =>
  text.replace(/\p{Cased}+/gu, (run) => {
    const first = String.fromCodePoint(run.codePointAt(0) ?? 0);
    return titleCharacter(first) + run.slice(first.length).toLowerCase();
  });

/** All non-overlapping occurrences of `old` replaced, the first `limit` of them where it is not negative. */
export const replaceText = (text: string, old: string, replacement: string, limit: number): string => {
  if (old === '') {
    const characters = codePoints(text);
    const gaps = limit < 0 ? characters.length + 1 : Math.min(limit, characters.length + 1);
    const pieces = characters.map((character, at) => (at < gaps ? replacement : '') + character);
    return pieces.join('') + (gaps > characters.length ? replacement : '');
  }
  if (limit < 0) return text.replaceAll(old, () => replacement);
  const parts = splitText(text, old, limit);
  return parts.join(replacement);
};

/** Python's `split` at a separator, which is not empty; at most `limit` times (-1: no limit). */
export const splitText = (text: string, separator: string, limit: number): readonly string[] => {
  if (limit < 0) return text.split(separator);
  const parts: string[] = [];
  let position = 0;
  while (parts.length < limit) {
    const found = text.indexOf(separator, position);
    if (found === -1) break;
    parts.push(text.slice(position, found));
    position = found + separator.length;
  }
  return [...parts, text.slice(position)];
};

/** Python's `rsplit` at a separator. */
export const splitTextFromRight = (text: string, separator: string, limit: number): readonly string[] => {
  if (limit < 0) return text.split(separator);
  const parts: string[] = [];
  let end = text.length;
  while (parts.length < limit && end >= separator.length) {
    const found = text.lastIndexOf(separator, end - separator.length);
    if (found === -1) break;
    parts.push(text.slice(found + separator.length, end));
    end = found;
  }
  parts.push(text.slice(0, end));
  return parts.reverse();
};
