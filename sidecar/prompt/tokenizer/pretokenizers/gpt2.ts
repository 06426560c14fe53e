import { characterClasses, LETTER, NUMBER, WHITE } from '../unicode/character-classes.ts';
import { codePointAt, widthOf } from '../unicode/utf8.ts';
import { contractionBytes } from './contraction.ts';
import { blankWordEnd, skipUntil, skipWhile, type WordScanner } from './scanner.ts';

const SPACE_CHARACTER = 0x20;

/**
 * Scanner for the pattern of ByteLevel pre-tokenizers with `use_regex`:
 * `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. GPT-2, OPT, RoBERTa, GPT-NeoX.
 */
export const createGpt2Scanner = (): WordScanner => {
  const classes = characterClasses();
  return (bytes, start, end) => {
    const contraction = contractionBytes(bytes, start, end);
    if (contraction > 0) return start + contraction;
    const at = bytes[start] === SPACE_CHARACTER && start + 1 < end ? start + 1 : start;
    const kind = classes[codePointAt(bytes, at)] ?? 0;
    if ((kind & WHITE) !== 0) return blankWordEnd(classes, bytes, start, end);
    const next = at + widthOf(bytes[at] ?? 0);
    if ((kind & LETTER) !== 0) return skipWhile(classes, bytes, next, end, LETTER);
    if ((kind & NUMBER) !== 0) return skipWhile(classes, bytes, next, end, NUMBER);
    return skipUntil(classes, bytes, next, end, WHITE | LETTER | NUMBER);
  };
};
