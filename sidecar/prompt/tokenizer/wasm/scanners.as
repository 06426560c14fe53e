// How the families of split patterns find the end of any word; see pretokenizers/.
import {
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
  skipLetters,
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
const SLASH: u32 = 0x2f;

/** What members of a family differ in. */
export let letters: u32 = LETTER;
export let maxDigits: u32 = 1;
export let takesContractions: bool = false;

/** Sets what members of a family differ in. */
export function setFamily(letterClasses: u32, digits: u32, contractions: bool): void {
  letters = letterClasses;
  maxDigits = digits;
  takesContractions = contractions;
}

export function cl100kEnd(start: usize, end: usize): usize {
  const lead: u32 = load<u8>(start);
  const first = classAt(start);
  const next = start + widthOf(lead);
  if ((first & letters) != 0) return skipLetters(next, end, letters);
  const contraction = contractionBytesAnyCase(start, end);
  if (contraction > 0) return start + contraction;
  if ((first & NUMBER) != 0) return skipNumbers(start, end, maxDigits);
  const notSymbols = WHITE | letters | NUMBER;
  const second = next < end ? classAt(next) : WHITE;
  if (first != NEWLINE && (second & letters) != 0) return skipLetters(next, end, letters);
  if ((first & WHITE) == 0 || (lead == SPACE_CHARACTER && (second & notSymbols) == 0)) {
    return skipWhile(skipUntil(next, end, notSymbols), end, NEWLINE);
  }
  return whiteWordEnd(start, end);
}

export function gpt2End(start: usize, end: usize): usize {
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

export function o200kEnd(start: usize, end: usize): usize {
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

function isPieceEnd(at: usize, end: usize, isKana: bool): bool {
  return at >= end || (classAt(at) & NUMBER) != 0 || isIdeographOrKana(codePointAt(at)) != isKana;
}

function skipWithinPiece(at: usize, end: usize, mask: u32, isKana: bool): usize {
  while (at < end) {
    if ((classAt(at) & mask) == 0 || isIdeographOrKana(codePointAt(at)) != isKana) break;
    at += widthOf(load<u8>(at));
  }
  return at;
}

function deepSeekMatchEnd(start: usize, end: usize, isKana: bool): usize {
  const lead: u32 = load<u8>(start);
  const first = classAt(start);
  const next = start + widthOf(lead);
  if (first == SYMBOL && lead < 0x80 && next < end && isAsciiLetter(load<u8>(next))) {
    let at = next + 1;
    while (at < end && isAsciiLetter(load<u8>(at))) at++;
    return at;
  }
  if ((first & WORD) != 0) return skipWithinPiece(next, end, WORD, isKana);
  const second = isPieceEnd(next, end, isKana) ? NUMBER : classAt(next);
  if ((first & (SYMBOL | NEWLINE)) == 0 && (second & WORD) != 0) return skipWithinPiece(next, end, WORD, isKana);
  if (first == SYMBOL || (lead == SPACE_CHARACTER && second == SYMBOL)) {
    const symbolsEnd = skipWithinPiece(next, end, SYMBOL, isKana);
    return isKana ? symbolsEnd : skipWhile(symbolsEnd, end, NEWLINE);
  }
  if ((first & WHITE) == 0) return 0;
  const whiteEnd = skipWhile(next, end, WHITE);
  return whiteWordEnd(start, isPieceEnd(whiteEnd, end, isKana) ? whiteEnd : end);
}

export function deepSeekEnd(start: usize, end: usize): usize {
  if ((classAt(start) & NUMBER) != 0) return skipNumbers(start, end, 3);
  const isKana = isIdeographOrKana(codePointAt(start));
  const wordEnd = deepSeekMatchEnd(start, end, isKana);
  if (wordEnd != 0) return wordEnd;
  let at = start;
  do at += widthOf(load<u8>(at));
  while (!isPieceEnd(at, end, isKana) && deepSeekMatchEnd(at, end, isKana) == 0);
  return at;
}
