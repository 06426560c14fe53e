// Characters of UTF-8 text and their classes; see unicode/character-classes.ts.
import { CLASSES, NORMALIZATION_BLOCKS, NORMALIZATION_PARTS } from './layout';

export const LOWER: u32 = 1;
export const UPPER: u32 = 2;
export const CASELESS: u32 = 4;
export const MARK: u32 = 8;
export const NUMBER: u32 = 16;
export const SYMBOL: u32 = 32;
export const SPACE: u32 = 64;
export const NEWLINE: u32 = 128;
export const LETTER: u32 = LOWER | UPPER | CASELESS;
export const WHITE: u32 = SPACE | NEWLINE;

// @ts-ignore: decorator
@inline
export function widthOf(lead: u32): usize {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

// @ts-ignore: decorator
@inline
export function codePointAt(at: usize): u32 {
  const lead: u32 = load<u8>(at);
  if (lead < 0x80) return lead;
  const second: u32 = load<u8>(at, 1) & 63;
  if (lead < 0xe0) return ((lead & 31) << 6) | second;
  const third: u32 = load<u8>(at, 2) & 63;
  if (lead < 0xf0) return ((lead & 15) << 12) | (second << 6) | third;
  return ((lead & 7) << 18) | (second << 12) | (third << 6) | (load<u8>(at, 3) & 63);
}

// @ts-ignore: decorator
@inline
export function classAt(at: usize): u32 {
  return load<u8>(CLASSES + codePointAt(at));
}

/** First position from `at` whose character has none of the classes in `mask`. */
export function skipWhile(at: usize, end: usize, mask: u32): usize {
  while (at < end) {
    if ((classAt(at) & mask) == 0) break;
    at += widthOf(load<u8>(at));
  }
  return at;
}

/** The same where CASELESS is in `mask`: U+5000 to U+9FFF need no look at the table. */
export function skipLetters(at: usize, end: usize, mask: u32): usize {
  while (at < end) {
    const lead: u32 = load<u8>(at);
    if (lead - 0xe5 < 5) {
      at += 3;
      continue;
    }
    if ((classAt(at) & mask) == 0) break;
    at += widthOf(lead);
  }
  return at;
}

/** First position from `at` whose character has any of the classes in `mask`. */
export function skipUntil(at: usize, end: usize, mask: u32): usize {
  while (at < end) {
    if ((classAt(at) & mask) != 0) break;
    at += widthOf(load<u8>(at));
  }
  return at;
}

/** End of `\p{N}{1,max}` from a number at `at`. */
export function skipNumbers(at: usize, end: usize, max: u32): usize {
  for (let taken: u32 = 0; taken < max && at < end; taken++) {
    if ((classAt(at) & NUMBER) == 0) break;
    at += widthOf(load<u8>(at));
  }
  return at;
}

/** End of `\s*[\r\n]+|\s+(?!\S)|\s+` from white space at `start`. */
export function whiteWordEnd(start: usize, end: usize): usize {
  let at = start;
  let last = start;
  let newlineEnd: usize = 0;
  while (at < end) {
    const kind = classAt(at);
    if ((kind & WHITE) == 0) break;
    last = at;
    at += widthOf(load<u8>(at));
    if (kind == NEWLINE) newlineEnd = at;
  }
  if (newlineEnd != 0) return newlineEnd;
  return at < end && last > start ? last : at;
}

/** End of `\s+(?!\S)|\s+` from white space at `start`. */
export function blankWordEnd(start: usize, end: usize): usize {
  let at = start;
  let last = start;
  while (at < end && (classAt(at) & WHITE) != 0) {
    last = at;
    at += widthOf(load<u8>(at));
  }
  return at < end && last > start ? last : at;
}

// @ts-ignore: decorator
@inline
function isPair(first: u32, second: u32): bool {
  return (first == 0x72 && second == 0x65) || (first == 0x76 && second == 0x65) || (first == 0x6c && second == 0x6c);
}

/** Bytes of `'s|'t|'re|'ve|'m|'ll|'d` at `at`, 0 where there is none. */
export function contractionBytes(at: usize, end: usize): usize {
  if (load<u8>(at) != 0x27 || at + 1 >= end) return 0;
  const first: u32 = load<u8>(at, 1);
  if (first == 0x73 || first == 0x74 || first == 0x6d || first == 0x64) return 2;
  return at + 2 < end && isPair(first, load<u8>(at, 2)) ? 3 : 0;
}

/** The same without regard to case; U+017F is an s. */
export function contractionBytesAnyCase(at: usize, end: usize): usize {
  if (at + 1 >= end || load<u8>(at) != 0x27) return 0;
  const raw: u32 = load<u8>(at, 1);
  if (raw == 0xc5) return at + 2 < end && load<u8>(at, 2) == 0xbf ? 3 : 0;
  if (raw >= 0x80) return 0;
  const first = raw | 0x20;
  if (first == 0x73 || first == 0x74 || first == 0x6d || first == 0x64) return 2;
  if (at + 2 >= end) return 0;
  const second: u32 = load<u8>(at, 2);
  return second < 0x80 && isPair(first, second | 0x20) ? 3 : 0;
}

const FIRST_RELEVANT_LEAD: u32 = 0xcc;
const MAY_CHANGE: u32 = 1;
const COMBINES: u32 = 2;

/** Whether text is certainly in normal form; see nfc.ts. 16 bytes after `end` are readable. */
export function isNfc(at: usize, end: usize): bool {
  const relevant = i8x16.splat(<i8>FIRST_RELEVANT_LEAD);
  let isAfterCombining = false;
  while (at < end) {
    const mask = i8x16.bitmask(i8x16.ge_u(v128.load(at), relevant));
    if (mask == 0) {
      isAfterCombining = false;
      at += 16;
      continue;
    }
    const skipped = ctz(mask);
    if (skipped > 0) isAfterCombining = false;
    at += skipped;
    // Non-ASCII characters come in runs.
    while (at < end) {
      const lead: u32 = load<u8>(at);
      if (lead < FIRST_RELEVANT_LEAD) break;
      if (lead - 0xe5 < 5) {
        // U+5000 to U+9FFF stand alone.
        isAfterCombining = false;
        at += 3;
        continue;
      }
      const codePoint = codePointAt(at);
      const block: u32 = load<u8>(NORMALIZATION_BLOCKS + (codePoint >> 8));
      const part: u32 = load<u8>(NORMALIZATION_PARTS + ((block << 8) | (codePoint & 255)));
      if (part == MAY_CHANGE || (part == COMBINES && isAfterCombining)) return false;
      isAfterCombining = part == COMBINES;
      at += widthOf(lead);
    }
  }
  return true;
}
