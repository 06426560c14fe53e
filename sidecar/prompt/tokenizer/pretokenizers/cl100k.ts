import { characterClasses, NEWLINE, NUMBER, WHITE } from '../unicode/character-classes.ts';
import { codePointAt, widthOf } from '../unicode/utf8.ts';
import { contractionBytesAnyCase } from './contraction.ts';
import { skipNumbers, skipUntil, skipWhile, type WordScanner, whiteWordEnd } from './scanner.ts';

/** What members of the cl100k family differ in. */
export interface Cl100kOptions {
  /** Classes that words are made of: letters, in some members marks too. */
  readonly letters: number;
  /** Numbers a word: 1 (Qwen) or 3 (Llama 3). */
  readonly maxDigits: number;
}

const SPACE_CHARACTER = 0x20;

/**
 * Scanner for
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
 * where `\p{L}` stands for the given letters. Qwen 2 and 3, Llama 3, GLM 4.
 */
export const createCl100kScanner = ({ letters, maxDigits }: Cl100kOptions): WordScanner => {
  const classes = characterClasses();
  const notSymbols = WHITE | letters | NUMBER;
  return (bytes, start, end) => {
    const lead = bytes[start] ?? 0;
    const first = classes[lead < 0x80 ? lead : codePointAt(bytes, start)] ?? 0;
    const next = start + widthOf(lead);
    if ((first & letters) !== 0) return skipWhile(classes, bytes, next, end, letters);
    const contraction = contractionBytesAnyCase(bytes, start, end);
    if (contraction > 0) return start + contraction;
    if ((first & NUMBER) !== 0) return skipNumbers(classes, bytes, start, end, NUMBER, maxDigits);
    const second = next < end ? (classes[codePointAt(bytes, next)] ?? 0) : WHITE;
    if (first !== NEWLINE && (second & letters) !== 0) return skipWhile(classes, bytes, next, end, letters);
    if ((first & WHITE) === 0 || (lead === SPACE_CHARACTER && (second & notSymbols) === 0)) {
      const symbolsEnd = skipUntil(classes, bytes, next, end, notSymbols);
      return skipWhile(classes, bytes, symbolsEnd, end, NEWLINE);
    }
    return whiteWordEnd(classes, bytes, start, end);
  };
};
