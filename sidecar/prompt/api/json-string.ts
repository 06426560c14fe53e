// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON forbids in strings
const controlCharacter = /[\u0000-\u001f]/;
const shortLength = 24;
const firstAllowed = 0x20;

const hasControlCharacter = (value: string): boolean => {
  if (value.length > shortLength) return controlCharacter.test(value);
  for (let at = 0; at < value.length; at++) if (value.charCodeAt(at) < firstAllowed) return true;
  return false;
};

const parseLiteral = (literal: string): string | null => {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
};

/** Where a string literal lies within a document: `start` after the opening quote, `end` at the closing one. */
export interface StringPlace {
  readonly start: number;
  readonly end: number;
  readonly hasEscapes: boolean;
}

/** The value of a string literal; null where it has a control character or a wrong escape. */
export const decodeString = (text: string, { start, end, hasEscapes }: StringPlace): string | null => {
  if (hasEscapes) return parseLiteral(text.slice(start - 1, end + 1));
  const value = text.slice(start, end);
  return hasControlCharacter(value) ? null : value;
};

/** An escape sequence that the end of the text cut short, or a high surrogate whose partner may follow. */
const unfinishedEscape = /(?:\\|\\u[0-9a-fA-F]{0,3}|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\|\\u[0-9a-fA-F]{0,3})?)$/;

/** What is known of a string that the end of the text cuts off; null where it is invalid before that. */
export const decodeUnfinishedString = (text: string, start: number): string | null => {
  const rest = text.slice(start);
  const whole = parseLiteral(`"${rest}"`);
  const tail = unfinishedEscape.exec(rest);
  if (tail === null) return whole;
  // An even run of backslashes before the tail leaves it an escape; the parse of what precedes it tells.
  return parseLiteral(`"${rest.slice(0, tail.index)}"`) ?? whole;
};
