import { characterClasses, LETTER, NEWLINE, SPACE, SYMBOL } from './unicode/character-classes.ts';
import { characterBefore, codePointAt } from './unicode/utf8.ts';

const APOSTROPHE = 0x27;
const IDEOGRAPHIC_COMMA = 0x3001;
const IDEOGRAPHIC_FULL_STOP = 0x3002;
const FULLWIDTH_COMMA = 0xff0c;

/** Whether a word never goes on at a character that stands after a letter. */
const endsWords = (classes: Uint8Array, codePoint: number): boolean => {
  if (codePoint === APOSTROPHE) return false;
  if (codePoint < 0x80) return ((classes[codePoint] ?? 0) & (SPACE | NEWLINE | SYMBOL)) !== 0;
  return codePoint === IDEOGRAPHIC_COMMA || codePoint === IDEOGRAPHIC_FULL_STOP || codePoint === FULLWIDTH_COMMA;
};

/**
 * Where a slice of `bytes[start, end)` of at most `maxBytes`, if possible, can end so that the slices' words and normal
 * forms are those of the whole, for every scanner: between a letter and white space, ASCII punctuation but the
 * apostrophe, or a CJK comma or full stop. `end` where the rest fits. O(distance to such a place).
 */
export const sliceEnd = (bytes: Uint8Array, start: number, end: number, maxBytes: number): number => {
  const classes = characterClasses();
  for (let size = maxBytes; size < end - start; size *= 2) {
    for (let at = start + size; at > start; at -= 1) {
      if (((bytes[at] ?? 0) & 0xc0) === 0x80 || !endsWords(classes, codePointAt(bytes, at))) continue;
      const before = codePointAt(bytes, characterBefore(bytes, start, at));
      if (((classes[before] ?? 0) & LETTER) !== 0) return at;
    }
  }
  return end;
};
