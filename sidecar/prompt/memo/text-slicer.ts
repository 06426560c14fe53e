import { characterClasses, LETTER } from '../tokenizer/unicode/character-classes.ts';
import { characterBefore, codePointAt } from '../tokenizer/unicode/utf8.ts';

/** Text that is encoded at a time: about half a millisecond of a text never seen before. */
const SLICE_BYTES = 12 * 1024;

/** Where words of every scanner end when they stand after a letter, and no word goes on: the tokenizer's own slices too. */
const enders = [' ', '\n', ',', '.', ';', ':', '，', '。', '、'];

/**
 * Cuts text into slices that can be encoded one by one: between a letter and a character that ends words, and that no
 * added token has inside.
 */
export class TextSlicer {
  readonly #enders: ReadonlySet<number>;

  constructor(addedTokens: readonly string[]) {
    const usable = enders.filter((ender) => !addedTokens.some((token) => token.includes(ender)));
    this.#enders = new Set(usable.map((ender) => ender.codePointAt(0) ?? 0));
  }

  /** The last place in front of `at` where a text can be cut; 0 where there is none near. */
  cutBefore(text: string, at: number): number {
    const classes = characterClasses();
    for (let place = at; place > at - SLICE_BYTES && place > 0; place -= 1) {
      if (!this.#enders.has(text.charCodeAt(place))) continue;
      if (((classes[text.charCodeAt(place - 1)] ?? 0) & LETTER) !== 0) return place;
    }
    return 0;
  }

  /** Where the slice of `bytes[start, end)` that begins at `start` ends; `end` where the rest is short or cannot be cut. */
  sliceEnd(bytes: Uint8Array, start: number, end: number): number {
    const classes = characterClasses();
    for (let size = SLICE_BYTES; size * 1.5 < end - start; size *= 2) {
      for (let at = start + size; at > start + (size >> 1); at -= 1) {
        const byte = bytes[at] ?? 0;
        if ((byte & 0xc0) === 0x80 || !this.#enders.has(codePointAt(bytes, at))) continue;
        const before = codePointAt(bytes, characterBefore(bytes, start, at));
        if (((classes[before] ?? 0) & LETTER) !== 0) return at;
      }
    }
    return end;
  }
}
