import { characterClasses, LETTER, MARK, NEWLINE, NUMBER, SYMBOL, WHITE } from '../unicode/character-classes.ts';
import { codePointAt, widthOf } from '../unicode/utf8.ts';
import { skipNumbers, skipWhile, type WordScanner, whiteWordEnd } from './scanner.ts';

const SPACE_CHARACTER = 0x20;
const WORD = LETTER | MARK;
const NO_MATCH = -1;

/** `[一-龥぀-ゟ゠-ヿ]` */
const isIdeographOrKana = (codePoint: number): boolean =>
  (codePoint >= 0x4e00 && codePoint <= 0x9fa5) || (codePoint >= 0x3040 && codePoint <= 0x30ff);

const isAsciiLetter = (byte: number): boolean => {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
};

/**
 * Scanner for DeepSeek V3's three splits, one after the other, each isolated: `\p{N}{1,3}`; `[一-龥぀-ゟ゠-ヿ]+`;
 * `[!-/:-~ but letters][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
 * The first two cut the text into pieces: numbers, ideographs and kana, anything else. The third splits within each; what
 * it leaves unmatched up to its next match is a word too.
 */
export const createDeepSeekScanner = (): WordScanner => {
  const classes = characterClasses();

  /** Whether the piece that `isKana` tells the kind of ends before `at`. */
  const isPieceEnd = (bytes: Uint8Array, at: number, end: number, isKana: boolean): boolean => {
    if (at >= end) return true;
    const codePoint = codePointAt(bytes, at);
    return ((classes[codePoint] ?? 0) & NUMBER) !== 0 || isIdeographOrKana(codePoint) !== isKana;
  };

  const skipWithinPiece = (bytes: Uint8Array, from: number, end: number, mask: number, isKana: boolean): number => {
    let at = from;
    while (at < end) {
      const codePoint = codePointAt(bytes, at);
      if (((classes[codePoint] ?? 0) & mask) === 0 || isIdeographOrKana(codePoint) !== isKana) break;
      at += widthOf(bytes[at] ?? 0);
    }
    return at;
  };

  /** End of the third split's match at `start`, or NO_MATCH. */
  const matchEnd = (bytes: Uint8Array, start: number, end: number, isKana: boolean): number => {
    const lead = bytes[start] ?? 0;
    const first = classes[codePointAt(bytes, start)] ?? 0;
    const next = start + widthOf(lead);
    if (first === SYMBOL && lead < 0x80 && next < end && isAsciiLetter(bytes[next] ?? 0)) {
      let at = next + 1;
      while (at < end && isAsciiLetter(bytes[at] ?? 0)) at += 1;
      return at;
    }
    if ((first & WORD) !== 0) return skipWithinPiece(bytes, next, end, WORD, isKana);
    const second = isPieceEnd(bytes, next, end, isKana) ? NUMBER : (classes[codePointAt(bytes, next)] ?? 0);
    if ((first & (SYMBOL | NEWLINE)) === 0 && (second & WORD) !== 0) {
      return skipWithinPiece(bytes, next, end, WORD, isKana);
    }
    if (first === SYMBOL || (lead === SPACE_CHARACTER && second === SYMBOL)) {
      const symbolsEnd = skipWithinPiece(bytes, next, end, SYMBOL, isKana);
      return isKana ? symbolsEnd : skipWhile(classes, bytes, symbolsEnd, end, NEWLINE);
    }
    if ((first & WHITE) === 0) return NO_MATCH;
    const whiteEnd = skipWhile(classes, bytes, next, end, WHITE);
    return whiteWordEnd(classes, bytes, start, isPieceEnd(bytes, whiteEnd, end, isKana) ? whiteEnd : end);
  };

  return (bytes, start, end) => {
    const codePoint = codePointAt(bytes, start);
    if (((classes[codePoint] ?? 0) & NUMBER) !== 0) return skipNumbers(classes, bytes, start, end, NUMBER, 3);
    const isKana = isIdeographOrKana(codePoint);
    const wordEnd = matchEnd(bytes, start, end, isKana);
    if (wordEnd >= 0) return wordEnd;
    let at = start;
    do at += widthOf(bytes[at] ?? 0);
    while (!isPieceEnd(bytes, at, end, isKana) && matchEnd(bytes, at, end, isKana) < 0);
    return at;
  };
};
