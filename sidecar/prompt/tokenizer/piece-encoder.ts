import { type BpeCore, INITIAL_INPUT_BYTES, MAX_KEPT_INPUT_BYTES } from './core.ts';
import { isCertainlyNfc, toNfc } from './nfc.ts';
import { type SplitStep, splitByPatterns } from './pretokenizers/pattern-splitter.ts';
import { sliceEnd } from './slices.ts';
import type { TokenArena } from './token-arena.ts';
import { endsInsideCharacter } from './unicode/utf8.ts';

const SPACE_CHARACTER = 0x20;
/** Bytes of UTF-8 that one UTF-16 unit can take. */
const MAX_UNIT_BYTES = 3;
/** Pieces up to here are copied byte by byte, which is quicker than making a view. */
const SMALL_PIECE_BYTES = 64;

/** What a {@link PieceEncoder} is made of. */
export interface PieceEncoderParts {
  readonly core: BpeCore;
  /** A core for one text that is longer than a core should keep room for. */
  readonly createSpareCore: () => BpeCore;
  /** Patterns to split by; null where cores have a scanner. */
  readonly steps: readonly SplitStep[] | null;
  readonly normalizesToNfc: boolean;
  readonly addsPrefixSpace: boolean;
}

/** Bytes of a text that are encoded in one go, after `prefix` spaces. */
interface Slice {
  readonly from: number;
  readonly to: number;
  readonly prefix: number;
}

/** Encodes text without added tokens in it: brings it to normal form and hands it to the core slice by slice. */
export class PieceEncoder {
  readonly #parts: PieceEncoderParts;
  #ends = new Int32Array(256);

  constructor(parts: PieceEncoderParts) {
    this.#parts = parts;
  }

  /** The bytes themselves where they are in normal form, else their normal form in other bytes. */
  normalized(bytes: Uint8Array): Uint8Array {
    if (!this.#parts.normalizesToNfc || isCertainlyNfc(bytes, 0, bytes.length)) return bytes;
    return Buffer.from(toNfc(decode(bytes, 0, bytes.length)));
  }

  /** Appends the ids of `bytes[start, end)`, whole UTF-8 text of at least one byte. */
  encode(bytes: Uint8Array, start: number, end: number, into: TokenArena): void {
    const { steps, addsPrefixSpace } = this.#parts;
    if (steps !== null) {
      this.#encodeByPatterns(decode(bytes, start, end), steps, into);
      return;
    }
    let prefix = addsPrefixSpace && bytes[start] !== SPACE_CHARACTER ? 1 : 0;
    for (let from = start; from < end; ) {
      const to = sliceEnd(bytes, from, end, INITIAL_INPUT_BYTES - 1);
      this.#encodeSlice(bytes, { from, to, prefix }, into);
      from = to;
      prefix = 0;
    }
  }

  #encodeSlice(bytes: Uint8Array, slice: Slice, into: TokenArena): void {
    const { from, to, prefix } = slice;
    if (!endsInsideCharacter(bytes, from, to)) {
      const length = to - from + prefix;
      const core = this.#coreFor(length);
      load(core, bytes, slice);
      if (!this.#parts.normalizesToNfc || core.isInputNfc(length)) {
        const count = core.encode(length);
        into.append(core.output, count);
        return;
      }
    }
    const text = this.#toNormalForm(decode(bytes, from, to));
    const core = this.#coreFor(text.length * MAX_UNIT_BYTES + prefix);
    if (prefix > 0) core.input[0] = SPACE_CHARACTER;
    const count = core.encode(prefix + asBuffer(core.input).write(text, prefix));
    into.append(core.output, count);
  }

  #encodeByPatterns(text: string, steps: readonly SplitStep[], into: TokenArena): void {
    const normal = this.#toNormalForm(text);
    const prefixed = this.#parts.addsPrefixSpace && !normal.startsWith(' ') ? ` ${normal}` : normal;
    this.#encodeWords(splitByPatterns(prefixed, steps), into);
  }

  /** Hands words to the core as many at a time as fit its input. */
  #encodeWords(words: readonly string[], into: TokenArena): void {
    for (let from = 0; from < words.length; ) {
      const core = this.#coreFor((words[from] ?? '').length * MAX_UNIT_BYTES);
      const input = asBuffer(core.input);
      let length = 0;
      let taken = 0;
      for (let word = words[from]; word !== undefined; word = words[from + taken]) {
        if (length + word.length * MAX_UNIT_BYTES > input.length) break;
        length += input.write(word, length);
        if (taken === this.#ends.length) this.#ends = grown(this.#ends);
        this.#ends[taken] = length;
        taken += 1;
      }
      const count = core.encodeWords(this.#ends, taken);
      into.append(core.output, count);
      from += taken;
    }
  }

  #coreFor(bytes: number): BpeCore {
    const core = bytes > MAX_KEPT_INPUT_BYTES ? this.#parts.createSpareCore() : this.#parts.core;
    core.reserve(bytes);
    return core;
  }

  #toNormalForm(text: string): string {
    return this.#parts.normalizesToNfc ? toNfc(text) : text;
  }
}

/** Puts a slice into the core's input. */
const load = ({ input }: BpeCore, bytes: Uint8Array, { from, to, prefix }: Slice): void => {
  if (prefix > 0) input[0] = SPACE_CHARACTER;
  if (to - from > SMALL_PIECE_BYTES) input.set(bytes.subarray(from, to), prefix);
  else for (let at = from; at < to; at += 1) input[prefix + at - from] = bytes[at] ?? 0;
};

const grown = (array: Int32Array): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
};

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Invalid UTF-8 becomes U+FFFD. */
const decode = (bytes: Uint8Array, start: number, end: number): string => asBuffer(bytes).toString('utf8', start, end);
