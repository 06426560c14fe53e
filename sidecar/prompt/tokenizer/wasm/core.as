// Byte-level BPE in WebAssembly: the inner loop of plain-core.ts with SIMD. Compiled by scripts/build-wasm.js.
import { isNfc } from './text';
import { encodeCl100k, encodeDeepSeek, encodeGpt2, encodeO200k } from './scanners';
import { append, out, setOut } from './words';

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

/** Sets where the text is, where ids go, and where the ends of words come from; 16 bytes after the text are readable. */
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
  setOut(output);
  const end = input + length;
  if (family == 0) encodeCl100k(input, end);
  else if (family == 1) encodeO200k(input, end);
  else if (family == 2) encodeDeepSeek(input, end);
  else encodeGpt2(input, end);
  return <i32>((out - output) >> 2);
}

/** Encodes words by their ends. Returns the number of ids. */
export function encodeWords(words: i32): i32 {
  setOut(output);
  let start = input;
  for (let word: i32 = 0; word < words; word++) {
    const end = input + load<u32>(ends + (<usize>word << 2));
    append(start, end);
    start = end;
  }
  return <i32>((out - output) >> 2);
}
