import { NEWLINE, SPACE, WHITE } from '../unicode/character-classes.ts';
import { codePointAt, widthOf } from '../unicode/utf8.ts';

/**
 * Finds where the word that begins at `start` ends, in UTF-8 bytes that end at `end` (exclusive, not inside a character).
 * Always returns more than `start`. Words follow each other without gaps. Positional arguments: called once a word.
 */
export type WordScanner = (bytes: Uint8Array, start: number, end: number) => number;

/** First position from `at` whose character has none of the classes in `mask`. */
export const skipWhile = (classes: Uint8Array, bytes: Uint8Array, from: number, end: number, mask: number): number => {
  let at = from;
  while (at < end) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      if (((classes[lead] ?? 0) & mask) === 0) break;
      at += 1;
    } else {
      if (((classes[codePointAt(bytes, at)] ?? 0) & mask) === 0) break;
      at += widthOf(lead);
    }
  }
  return at;
};

/** First position from `at` whose character has any of the classes in `mask`. */
export const skipUntil = (classes: Uint8Array, bytes: Uint8Array, from: number, end: number, mask: number): number => {
  let at = from;
  while (at < end) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      if (((classes[lead] ?? 0) & mask) !== 0) break;
      at += 1;
    } else {
      if (((classes[codePointAt(bytes, at)] ?? 0) & mask) !== 0) break;
      at += widthOf(lead);
    }
  }
  return at;
};

/** End of `\p{N}{1,max}` from a number at `start`. */
export const skipNumbers = (
  classes: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  mask: number,
  max: number,
): number => {
  let at = start;
  for (let taken = 0; taken < max && at < end; taken += 1) {
    if (((classes[codePointAt(bytes, at)] ?? 0) & mask) === 0) break;
    at += widthOf(bytes[at] ?? 0);
  }
  return at;
};

/** End of `\s*[\r\n]+|\s+(?!\S)|\s+` from white space at `start`. */
export const whiteWordEnd = (classes: Uint8Array, bytes: Uint8Array, start: number, end: number): number => {
  let at = start;
  let last = start;
  let newlineEnd = -1;
  while (at < end) {
    const characterClass = classes[codePointAt(bytes, at)] ?? 0;
    if ((characterClass & WHITE) === 0) break;
    last = at;
    at += widthOf(bytes[at] ?? 0);
    if (characterClass === NEWLINE) newlineEnd = at;
  }
  if (newlineEnd >= 0) return newlineEnd;
  return at < end && last > start ? last : at;
};

/** End of `\s+(?!\S)|\s+` from white space at `start`. */
export const blankWordEnd = (classes: Uint8Array, bytes: Uint8Array, start: number, end: number): number => {
  let at = start;
  let last = start;
  while (at < end && ((classes[codePointAt(bytes, at)] ?? 0) & (SPACE | NEWLINE)) !== 0) {
    last = at;
    at += widthOf(bytes[at] ?? 0);
  }
  return at < end && last > start ? last : at;
};
