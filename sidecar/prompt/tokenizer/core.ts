/** Families of split patterns that have hand-written scanners in every core. */
export type ScannerFamily =
  | { readonly kind: 'cl100k'; readonly takesMarks: boolean; readonly maxDigits: number }
  | { readonly kind: 'o200k'; readonly takesContractions: boolean; readonly maxDigits: number }
  | { readonly kind: 'deepseek' }
  | { readonly kind: 'gpt2' };

/**
 * Encodes pre-tokenized text: the inner loop, in plain TypeScript or WebAssembly. Text is put into `input`, ids come out
 * in `output`; both are the core's own and replaced by {@link reserve}.
 */
export interface BpeCore {
  /** Where the text goes. */
  readonly input: Uint8Array;
  /** Ids of the last call. */
  readonly output: Int32Array;
  /** Makes room for `bytes` of input. Contents of `input` are lost when it grows. */
  reserve(bytes: number): void;
  /** Whether `input[0, length)` is certainly in NFC; see nfc.ts. */
  isInputNfc(length: number): boolean;
  /** Splits `input[0, length)` by the core's scanner and encodes each word. Returns the number of ids. */
  encode(length: number): number;
  /** Encodes words that end at `ends[0, words)`, ascending, in `input`. Returns the number of ids. */
  encodeWords(ends: Int32Array, words: number): number;
}

/** Texts longer than this get a core of their own for the time, so that no core keeps much memory. */
export const MAX_KEPT_INPUT_BYTES = 1 << 18;

/** Text that a core takes without growing. */
export const INITIAL_INPUT_BYTES = 1 << 16;
