import {
  CASELESS,
  characterClasses,
  LETTER,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  UPPER,
  WHITE,
} from '../unicode/character-classes.ts';
import { codePointAt, widthOf } from '../unicode/utf8.ts';
import { contractionBytesAnyCase } from './contraction.ts';
import { skipNumbers, skipUntil, skipWhile, type WordScanner, whiteWordEnd } from './scanner.ts';

/** What members of the o200k family differ in. */
export interface O200kOptions {
  /** Whether a contraction belongs to the word before it (gpt-4o, gpt-oss) or is none (Mistral's tekken). */
  readonly takesContractions: boolean;
  /** Numbers a word: 3 (gpt-4o) or 1 (tekken). */
  readonly maxDigits: number;
}

const SPACE_CHARACTER = 0x20;
const SLASH = 0x2f;
/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` */
const HEAD = UPPER | CASELESS | MARK;
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` */
const TAIL = LOWER | CASELESS | MARK;
/** Members of both. */
const BOTH = CASELESS | MARK;
const NOT_SYMBOLS = WHITE | LETTER | NUMBER;
const NO_MATCH = -1;

/**
 * Scanner for
 * `P?H*T+C?|P?H+T*C?|\p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
 * with P `[^\r\n\p{L}\p{N}]`, H `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, T `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`, C
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)`. gpt-4o, gpt-oss, Llama 4; tekken without C.
 */
export const createO200kScanner = ({ takesContractions, maxDigits }: O200kOptions): WordScanner => {
  const classes = characterClasses();

  /** End of `H*T+` from `from`. H* takes all it can, and gives back down to the last character that T takes too. */
  const headThenTail = (bytes: Uint8Array, from: number, end: number): number => {
    let at = from;
    let sharedEnd = NO_MATCH;
    while (at < end) {
      const lead = bytes[at] ?? 0;
      const kind = classes[lead < 0x80 ? lead : codePointAt(bytes, at)] ?? 0;
      if ((kind & HEAD) === 0) {
        if (kind === LOWER) return skipWhile(classes, bytes, at + widthOf(lead), end, TAIL);
        break;
      }
      at += widthOf(lead);
      if ((kind & BOTH) !== 0) sharedEnd = at;
    }
    return sharedEnd;
  };

  /** End of `H+T*` from `from`. */
  const headMaybeTail = (bytes: Uint8Array, from: number, end: number): number => {
    const headEnd = skipWhile(classes, bytes, from, end, HEAD);
    return headEnd > from ? skipWhile(classes, bytes, headEnd, end, TAIL) : NO_MATCH;
  };

  const letterWordEnd = (bytes: Uint8Array, start: number, next: number, end: number, first: number): number => {
    const mayPrefix = (first & (LETTER | NUMBER | NEWLINE)) === 0;
    const isLetter = (first & (HEAD | TAIL)) !== 0;
    let wordEnd = mayPrefix ? headThenTail(bytes, next, end) : NO_MATCH;
    if (wordEnd < 0 && isLetter) wordEnd = headThenTail(bytes, start, end);
    if (wordEnd < 0 && mayPrefix) wordEnd = headMaybeTail(bytes, next, end);
    if (wordEnd < 0 && isLetter) wordEnd = headMaybeTail(bytes, start, end);
    if (wordEnd < 0 || !takesContractions) return wordEnd;
    return wordEnd + contractionBytesAnyCase(bytes, wordEnd, end);
  };

  const symbolWordEnd = (bytes: Uint8Array, from: number, end: number): number => {
    let at = skipUntil(classes, bytes, from, end, NOT_SYMBOLS);
    while (at < end && (bytes[at] === SLASH || classes[bytes[at] ?? 0] === NEWLINE)) at += 1;
    return at;
  };

  return (bytes, start, end) => {
    const lead = bytes[start] ?? 0;
    const first = classes[lead < 0x80 ? lead : codePointAt(bytes, start)] ?? 0;
    const next = start + widthOf(lead);
    if ((first & (NUMBER | NEWLINE)) === 0) {
      const wordEnd = letterWordEnd(bytes, start, next, end, first);
      if (wordEnd >= 0) return wordEnd;
    }
    if ((first & NUMBER) !== 0) return skipNumbers(classes, bytes, start, end, NUMBER, maxDigits);
    if ((first & WHITE) === 0) return symbolWordEnd(bytes, next, end);
    if (lead === SPACE_CHARACTER && next < end && ((classes[codePointAt(bytes, next)] ?? 0) & NOT_SYMBOLS) === 0) {
      return symbolWordEnd(bytes, next, end);
    }
    return whiteWordEnd(classes, bytes, start, end);
  };
};
