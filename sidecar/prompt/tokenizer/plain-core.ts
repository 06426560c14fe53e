import type { ByteKeyTable } from './byte-key-table.ts';
import { type BpeCore, INITIAL_INPUT_BYTES } from './core.ts';
import { LongWordCache } from './long-word-cache.ts';
import type { MergeTable } from './merge-table.ts';
import { isCertainlyNfc } from './nfc.ts';
import type { WordScanner } from './pretokenizers/scanner.ts';
import { SHORT_WORD_BYTES, ShortWordCache } from './short-word-cache.ts';
import { tableOfWholeWords, type WholeWord } from './whole-words.ts';
import { WordMerger } from './word-merger.ts';

/** Bytes after the input that a word's key may be read from. */
const PADDING = 16;
const SHORT_CACHE_BITS = 17;
const LONG_CACHE_BITS = 15;

/** What a {@link PlainCore} is made of. */
export interface PlainCoreParts {
  readonly table: MergeTable;
  /** Null where every word comes by {@link BpeCore.encodeWords}. */
  readonly scanner: WordScanner | null;
  /** Words that are one token whatever the merges say. */
  readonly wholeWords: readonly WholeWord[];
}

/** The inner loop in plain TypeScript: works everywhere, and what the WebAssembly core is compared with. */
export class PlainCore implements BpeCore {
  readonly #merger: WordMerger;
  readonly #scanner: WordScanner | null;
  readonly #wholeWords: ByteKeyTable | null;
  readonly #shortWords = new ShortWordCache(SHORT_CACHE_BITS);
  readonly #longWords = new LongWordCache(LONG_CACHE_BITS);
  #input = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));
  #output = new Int32Array(0);

  constructor({ table, scanner, wholeWords }: PlainCoreParts) {
    this.#merger = new WordMerger(table);
    this.#scanner = scanner;
    this.#wholeWords = tableOfWholeWords(wholeWords);
    this.reserve(INITIAL_INPUT_BYTES);
  }

  get input(): Uint8Array {
    return this.#input;
  }

  get output(): Int32Array {
    return this.#output;
  }

  reserve(bytes: number): void {
    if (bytes <= this.#input.length) return;
    const padded = new ArrayBuffer(bytes + PADDING);
    this.#input = new Uint8Array(padded, 0, bytes);
    this.#view = new DataView(padded);
    // A word has at most as many ids as bytes; a cached one is written three at a time.
    this.#output = new Int32Array(bytes + PADDING);
  }

  isInputNfc(length: number): boolean {
    return isCertainlyNfc(this.#input, 0, length);
  }

  encode(length: number): number {
    const scanner = this.#scanner;
    if (scanner === null) throw new RangeError('this core has no scanner');
    const input = this.#input;
    let count = 0;
    for (let at = 0; at < length; ) {
      const end = scanner(input, at, length);
      count = this.#encodeWord(at, end, count);
      at = end;
    }
    return count;
  }

  encodeWords(ends: Int32Array, words: number): number {
    let count = 0;
    let at = 0;
    for (let word = 0; word < words; word += 1) {
      const end = ends[word] ?? at;
      count = this.#encodeWord(at, end, count);
      at = end;
    }
    return count;
  }

  #encodeWord(start: number, end: number, count: number): number {
    const length = end - start;
    if (length <= SHORT_WORD_BYTES) {
      const found = this.#shortWords.find(this.#view, start, length, this.#output, count);
      return found >= 0 ? found : this.#encodeNewShort(start, end, count);
    }
    if (!LongWordCache.takes(length)) return this.#merge(start, end, count);
    const found = this.#longWords.find(this.#input, start, end, this.#output, count);
    if (found >= 0) return found;
    const after = this.#merge(start, end, count);
    this.#longWords.insert(this.#input, start, end, this.#output, count, after);
    return after;
  }

  #encodeNewShort(start: number, end: number, count: number): number {
    const after = this.#merge(start, end, count);
    this.#shortWords.insert(this.#view, start, end - start, this.#output, count, after - count);
    return after;
  }

  #merge(start: number, end: number, count: number): number {
    const whole = this.#wholeWords?.find(this.#input, start, end) ?? -1;
    if (whole < 0) return this.#merger.merge(this.#input, start, end, this.#output, count);
    this.#output[count] = whole;
    return count + 1;
  }
}
