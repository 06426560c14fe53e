// The families of split patterns; see pretokenizers/. Each loop takes words of ASCII letters that fit 16 bytes by one
// comparison, and leaves others to its function.
import { append, appendShort } from './words';
import {
  asciiLetters,
  asciiLowers,
  blankWordEnd,
  CASELESS,
  classAt,
  codePointAt,
  contractionBytes,
  contractionBytesAnyCase,
  LETTER,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  skipNumbers,
  skipUntil,
  skipWhile,
  SYMBOL,
  UPPER,
  WHITE,
  whiteWordEnd,
  widthOf,
} from './text';

const SPACE_CHARACTER: u32 = 0x20;
const APOSTROPHE: u32 = 0x27;
const SLASH: u32 = 0x2f;

let letters: u32 = LETTER;
let maxDigits: u32 = 1;
let takesContractions: bool = false;

/** Sets what members of a family differ in. */
export function setFamily(letterClasses: u32, digits: u32, contractions: bool): void {
  letters = letterClasses;
  maxDigits = digits;
  takesContractions = contractions;
}

/** How far ASCII letters go from the second byte on, of 16; the first byte counts as one. */
// @ts-ignore: decorator
@inline
function letterRun(mask: u32): u32 {
  return ctz(~(mask | 1));
}

// @ts-ignore: decorator
@inline
function cl100kEnd(start: usize, end: usize): usize {
  const lead: u32 = load<u8>(start);
  const first = classAt(start);
  const next = start + widthOf(lead);
  if ((first & letters) != 0) return skipWhile(next, end, letters);
  const contraction = contractionBytesAnyCase(start, end);
  if (contraction > 0) return start + contraction;
  if ((first & NUMBER) != 0) return skipNumbers(start, end, maxDigits);
  const notSymbols = WHITE | letters | NUMBER;
  const second = next < end ? classAt(next) : WHITE;
  if (first != NEWLINE && (second & letters) != 0) return skipWhile(next, end, letters);
  if ((first & WHITE) == 0 || (lead == SPACE_CHARACTER && (second & notSymbols) == 0)) {
    return skipWhile(skipUntil(next, end, notSymbols), end, NEWLINE);
  }
  return whiteWordEnd(start, end);
}

export function encodeCl100k(at: usize, end: usize): void {
  while (at < end) {
    const bytes = v128.load(at);
    const mask = asciiLetters(bytes);
    const lead: u32 = load<u8>(at);
    // A letter, or one character before letters that is no digit, newline or apostrophe.
    if ((mask & 1) != 0 || ((mask & 2) != 0 && lead < 0x80 && lead != APOSTROPHE && (classAt(at) & (NUMBER | NEWLINE)) == 0)) {
      const length = letterRun(mask);
      if (length < 16 && at + length < end && load<u8>(at + length) < 0x80) {
        appendShort(at, length, bytes);
        at += length;
        continue;
      }
    }
    const wordEnd = cl100kEnd(at, end);
    append(at, wordEnd);
    at = wordEnd;
  }
}

// @ts-ignore: decorator
@inline
function gpt2End(start: usize, end: usize): usize {
  const contraction = contractionBytes(start, end);
  if (contraction > 0) return start + contraction;
  const at = load<u8>(start) == SPACE_CHARACTER && start + 1 < end ? start + 1 : start;
  const kind = classAt(at);
  if ((kind & WHITE) != 0) return blankWordEnd(start, end);
  const next = at + widthOf(load<u8>(at));
  if ((kind & LETTER) != 0) return skipWhile(next, end, LETTER);
  if ((kind & NUMBER) != 0) return skipWhile(next, end, NUMBER);
  return skipUntil(next, end, WHITE | LETTER | NUMBER);
}

export function encodeGpt2(at: usize, end: usize): void {
  while (at < end) {
    const bytes = v128.load(at);
    const mask = asciiLetters(bytes);
    if ((mask & 1) != 0 || ((mask & 2) != 0 && load<u8>(at) == SPACE_CHARACTER)) {
      const length = letterRun(mask);
      if (length < 16 && at + length < end && load<u8>(at + length) < 0x80) {
        appendShort(at, length, bytes);
        at += length;
        continue;
      }
    }
    const wordEnd = gpt2End(at, end);
    append(at, wordEnd);
    at = wordEnd;
  }
}

const HEAD: u32 = UPPER | CASELESS | MARK;
const TAIL: u32 = LOWER | CASELESS | MARK;
const BOTH: u32 = CASELESS | MARK;
const NOT_SYMBOLS: u32 = WHITE | LETTER | NUMBER;

function headThenTail(from: usize, end: usize): usize {
  let at = from;
  let sharedEnd: usize = 0;
  while (at < end) {
    const lead: u32 = load<u8>(at);
    const kind = classAt(at);
    if ((kind & HEAD) == 0) {
      if (kind == LOWER) return skipWhile(at + widthOf(lead), end, TAIL);
      break;
    }
    at += widthOf(lead);
    if ((kind & BOTH) != 0) sharedEnd = at;
  }
  return sharedEnd;
}

function headMaybeTail(from: usize, end: usize): usize {
  const headEnd = skipWhile(from, end, HEAD);
  return headEnd > from ? skipWhile(headEnd, end, TAIL) : 0;
}

function symbolWordEnd(from: usize, end: usize): usize {
  let at = skipUntil(from, end, NOT_SYMBOLS);
  while (at < end && (load<u8>(at) == SLASH || load<u8>(at) == 0x0a || load<u8>(at) == 0x0d)) at++;
  return at;
}

function o200kEnd(start: usize, end: usize): usize {
  const lead: u32 = load<u8>(start);
  const first = classAt(start);
  const next = start + widthOf(lead);
  if ((first & (NUMBER | NEWLINE)) == 0) {
    const mayPrefix = (first & (LETTER | NUMBER | NEWLINE)) == 0;
    const isLetter = (first & (HEAD | TAIL)) != 0;
    let wordEnd: usize = mayPrefix ? headThenTail(next, end) : 0;
    if (wordEnd == 0 && isLetter) wordEnd = headThenTail(start, end);
    if (wordEnd == 0 && mayPrefix) wordEnd = headMaybeTail(next, end);
    if (wordEnd == 0 && isLetter) wordEnd = headMaybeTail(start, end);
    if (wordEnd != 0) return takesContractions ? wordEnd + contractionBytesAnyCase(wordEnd, end) : wordEnd;
  }
  if ((first & NUMBER) != 0) return skipNumbers(start, end, maxDigits);
  if ((first & WHITE) == 0) return symbolWordEnd(next, end);
  if (lead == SPACE_CHARACTER && next < end && (classAt(next) & NOT_SYMBOLS) == 0) return symbolWordEnd(next, end);
  return whiteWordEnd(start, end);
}

export function encodeO200k(at: usize, end: usize): void {
  while (at < end) {
    const bytes = v128.load(at);
    const mask = asciiLetters(bytes);
    const lead: u32 = load<u8>(at);
    const isPlain = (mask & 1) != 0;
    if (isPlain || ((mask & 2) != 0 && lead < 0x80 && (classAt(at) & (NUMBER | NEWLINE)) == 0)) {
      // Upper-case letters, then lower-case ones: `ABc` is one word, `ABcD` two.
      const lowers = asciiLowers(bytes);
      const uppers = mask & ~lowers;
      const first: u32 = isPlain ? 0 : 1;
      const headEnd = first + ctz(~(uppers >>> first));
      const length = headEnd + ctz(~(lowers >>> headEnd));
      const follower: u32 = load<u8>(at + length);
      if (length < 16 && at + length < end && follower < 0x80 && follower != APOSTROPHE) {
        appendShort(at, length, bytes);
        at += length;
        continue;
      }
    }
    const wordEnd = o200kEnd(at, end);
    append(at, wordEnd);
    at = wordEnd;
  }
}

const WORD: u32 = LETTER | MARK;

// @ts-ignore: decorator
@inline
function isIdeographOrKana(codePoint: u32): bool {
  return codePoint - 0x4e00 <= 0x9fa5 - 0x4e00 || codePoint - 0x3040 <= 0x30ff - 0x3040;
}

// @ts-ignore: decorator
@inline
function isAsciiLetter(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26;
}

function isPieceEnd(at: usize, end: usize): bool {
  return at >= end || (classAt(at) & NUMBER) != 0 || isIdeographOrKana(codePointAt(at));
}

function skipWithinPiece(at: usize, end: usize, mask: u32): usize {
  while (at < end) {
    if ((classAt(at) & mask) == 0 || isIdeographOrKana(codePointAt(at))) break;
    at += widthOf(load<u8>(at));
  }
  return at;
}

function deepSeekMatchEnd(start: usize, end: usize): usize {
  const lead: u32 = load<u8>(start);
  const first = classAt(start);
  const next = start + widthOf(lead);
  if (first == SYMBOL && lead < 0x80 && next < end && isAsciiLetter(load<u8>(next))) {
    let at = next + 1;
    while (at < end && isAsciiLetter(load<u8>(at))) at++;
    return at;
  }
  if ((first & WORD) != 0) return skipWithinPiece(next, end, WORD);
  const second = isPieceEnd(next, end) ? NUMBER : classAt(next);
  if ((first & (SYMBOL | NEWLINE)) == 0 && (second & WORD) != 0) return skipWithinPiece(next, end, WORD);
  if (first == SYMBOL || (lead == SPACE_CHARACTER && second == SYMBOL)) {
    return skipWhile(skipWithinPiece(next, end, SYMBOL), end, NEWLINE);
  }
  if ((first & WHITE) == 0) return 0;
  const whiteEnd = skipWhile(next, end, WHITE);
  return whiteWordEnd(start, isPieceEnd(whiteEnd, end) ? whiteEnd : end);
}

function deepSeekEnd(start: usize, end: usize): usize {
  if ((classAt(start) & NUMBER) != 0) return skipNumbers(start, end, 3);
  let at = start;
  if (isIdeographOrKana(codePointAt(at))) {
    do at += widthOf(load<u8>(at));
    while (at < end && isIdeographOrKana(codePointAt(at)));
    return at;
  }
  const wordEnd = deepSeekMatchEnd(start, end);
  if (wordEnd != 0) return wordEnd;
  do at += widthOf(load<u8>(at));
  while (!isPieceEnd(at, end) && deepSeekMatchEnd(at, end) == 0);
  return at;
}

export function encodeDeepSeek(at: usize, end: usize): void {
  while (at < end) {
    const bytes = v128.load(at);
    const mask = asciiLetters(bytes);
    const lead: u32 = load<u8>(at);
    if ((mask & 1) != 0 || ((mask & 2) != 0 && lead < 0x80 && (classAt(at) & (NUMBER | NEWLINE)) == 0)) {
      const length = letterRun(mask);
      if (length < 16 && at + length < end && load<u8>(at + length) < 0x80) {
        appendShort(at, length, bytes);
        at += length;
        continue;
      }
    }
    const wordEnd = deepSeekEnd(at, end);
    append(at, wordEnd);
    at = wordEnd;
  }
}
