// Byte-level BPE in WebAssembly: the inner loop of plain-core.ts with SIMD. Compiled by scripts/build-wasm.js.
import { isNfc } from './text';
import { encodeText } from './encode';
import { append } from './words';

export {
  BYTE_IDS,
  CLASSES,
  DYNAMIC,
  FILTER,
  KEY_MASKS,
  NORMALIZATION_BLOCKS,
  NORMALIZATION_PARTS,
  PAIR_RANKS,
  PREMERGED_BLOCKS,
} from './layout';
export { setScratch, setTables } from './merge';
export { setFamily } from './scanners';
export { addWholeWord, setWholeWords } from './words';

let input: usize = 0;
let output: usize = 0;
let ends: usize = 0;

/** Sets where the text is, where ids go, and where the ends of words come from; 64 bytes after the text are the module's. */
export function setBuffers(inputAt: usize, outputAt: usize, endsAt: usize): void {
  input = inputAt;
  output = outputAt;
  ends = endsAt;
}

/** Whether text of `length` bytes is certainly in normal form. */
export function isInputNfc(length: usize): bool {
  return isNfc(input, input + length);
}

/** Splits text of `length` bytes by the scanner of a family and encodes its words. Returns the number of ids. */
export function encode(family: i32, length: usize): i32 {
  const out = encodeText(family, input, input + length, output);
  return <i32>((out - output) >> 2);
}

/** Encodes words by their ends. Returns the number of ids. */
export function encodeWords(words: i32): i32 {
  let out = output;
  let start = input;
  for (let word: i32 = 0; word < words; word++) {
    const end = input + load<u32>(ends + (<usize>word << 2));
    out = append(start, end, out);
    start = end;
  }
  return <i32>((out - output) >> 2);
}
