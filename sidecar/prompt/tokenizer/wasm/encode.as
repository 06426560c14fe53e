// The inner loops: words of ASCII by blocks of 64 bytes, others one at a time.
import {
  BLOCK_BYTES,
  bytesBeyond,
  bytesEqual,
  bytesWithin,
  floodDown,
  groupStarts,
  letterBytes,
} from './blocks';
import { cl100kEnd, deepSeekEnd, gpt2End, maxDigits, o200kEnd, takesContractions } from './scanners';
import { contractionBytes, contractionBytesAnyCase } from './text';
import { append, appendShort, SHORT_WORD_BYTES } from './words';

const CL100K: i32 = 0;
const O200K: i32 = 1;
const DEEPSEEK: i32 = 2;
const GPT2: i32 = 3;

/** Two bytes, one of them beyond ASCII. */
const BEYOND_ASCII: u32 = 0x8080;

/** Encodes `[at, end)` by the scanner of a family, writes ids to `out` and returns where they end. */
export function encodeText(family: i32, at: usize, end: usize, out: usize): usize {
  // Blocks that reach beyond the text see no ASCII there.
  for (let after: usize = 0; after < BLOCK_BYTES; after += 16) v128.store(end + after, i8x16.splat(-1));
  if (family == CL100K) return encodeBy(CL100K, at, end, out);
  if (family == O200K) return encodeBy(O200K, at, end, out);
  if (family == DEEPSEEK) return encodeBy(DEEPSEEK, at, end, out);
  return encodeBy(GPT2, at, end, out);
}

// @ts-ignore: decorator
@inline
function encodeBy(family: i32, at: usize, end: usize, out: usize): usize {
  while (at < end) {
    let starts: u64 = (load<u16>(at) & BEYOND_ASCII) != 0 ? 0 : wordStarts(family, at);
    if (starts == 0) {
      const wordEnd = endOf(family, at, end);
      out = append(at, wordEnd, out);
      at = wordEnd;
      continue;
    }
    const block = at;
    do {
      const next = block + <usize>ctz(starts);
      const length = <u32>(next - at);
      out = length <= SHORT_WORD_BYTES ? appendShort(at, length, v128.load(at), out) : append(at, next, out);
      at = next;
      starts &= starts - 1;
    } while (starts != 0);
  }
  return out;
}

// @ts-ignore: decorator
@inline
function endOf(family: i32, at: usize, end: usize): usize {
  if (family == CL100K) return cl100kEnd(at, end);
  if (family == O200K) return o200kEnd(at, end);
  if (family == DEEPSEEK) return deepSeekEnd(at, end);
  return gpt2End(at, end);
}

/**
 * Where words begin after the one at `at`, as far as that is certain from 64 bytes that are followed by anything. 0 where
 * it is not even for the next word.
 */
// @ts-ignore: decorator
@inline
function wordStarts(family: i32, at: usize): u64 {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  let beyond = bytesBeyond(a, b, c, d);
  // DeepSeek's pattern leaves control characters to what is between matches: one at a time.
  if (family == DEEPSEEK) {
    beyond |= bytesWithin(a, b, c, d, 0, 8) | bytesWithin(a, b, c, d, 14, 17) | bytesEqual(a, b, c, d, 0x7f);
  }
  const known = beyond == 0 ? ~<u64>0 : (beyond & -beyond) - 1;
  const letters = letterBytes(a, b, c, d) & known;
  const digits = bytesWithin(a, b, c, d, 0x30, 9) & known;
  const spaces = bytesEqual(a, b, c, d, 0x20) & known;
  const white = (bytesWithin(a, b, c, d, 9, 4) & known) | spaces;
  const symbols = known & ~(letters | digits | white);
  // GPT-2's pattern has no rule for newlines.
  const newlines = family == GPT2 ? 0 : (bytesEqual(a, b, c, d, 0x0a) | bytesEqual(a, b, c, d, 0x0d)) & known;
  const blanks = white & ~newlines;
  // Newlines that belong to the symbols before them.
  const taken = newlines & ~(newlines + (newlines & (symbols << 1)));

  // White space: a word up to its last newline, one up to its last character, that one with what follows.
  const ownWhite = white & ~taken;
  let lastBlanks = blanks & ~(white >> 1);
  if (family == DEEPSEEK) lastBlanks &= ~(digits >> 1);
  let afterNewlines = blanks & (newlines << 1);
  if ((blanks & (newlines >> 1)) != 0) afterNewlines &= ~floodDown(newlines, blanks);
  let starts = (ownWhite & ~(ownWhite << 1)) | lastBlanks | afterNewlines;

  const symbolStarts = symbols & ~((symbols | spaces) << 1);
  starts |= symbolStarts;
  if (family == GPT2) {
    starts |= (letters & ~((letters | spaces) << 1)) | (digits & ~((digits | spaces) << 1));
  } else {
    starts |= letters & ~((letters | blanks | symbolStarts) << 1);
    starts |= groupStarts(digits, family == DEEPSEEK ? 3 : maxDigits);
  }
  if (family == O200K) {
    const lowers = bytesWithin(a, b, c, d, 0x61, 25) & known;
    starts |= letters & ~lowers & (lowers << 1);
  }

  // White space that goes on beyond what is known may end in any way.
  let certain = known;
  if ((white & known & ~(known >> 1)) != 0) {
    const open = runDown(white, known);
    certain = known & ~(open & (open << 1));
  }
  if (family == O200K) {
    // `/` after newlines after symbols is the same word.
    const slashes = bytesEqual(a, b, c, d, 0x2f) & known & (taken << 1);
    if (slashes != 0) certain &= (slashes & -slashes) - 1;
  }
  // An apostrophe that is known last may begin a contraction, which belongs to the word before.
  if (family == O200K) certain &= ~(bytesEqual(a, b, c, d, 0x27) & ~(known >> 1));
  if (family != DEEPSEEK) {
    const apostrophes = bytesEqual(a, b, c, d, 0x27) & symbolStarts & (letters >> 1);
    if (apostrophes != 0) starts = withContractions(family, at, starts, apostrophes, letters);
  }
  return starts & certain & ~<u64>1;
}

/** The run of `mask` that ends with the last known bit. */
// @ts-ignore: decorator
@inline
function runDown(mask: u64, known: u64): u64 {
  const last = 63 - <u32>clz(known);
  const gap = ~(mask << (63 - last));
  const length: u32 = gap == 0 ? 64 : <u32>clz(gap);
  return length == 0 ? 0 : mask & (~<u64>0 << (last + 1 - length));
}

/** Makes words of contractions: their own, or in o200k the end of the word before. */
function withContractions(family: i32, at: usize, starts: u64, apostrophes: u64, letters: u64): u64 {
  if (family == O200K && !takesContractions) return starts;
  let lastEnd: u32 = 64;
  while (apostrophes != 0) {
    const position = <u32>ctz(apostrophes);
    apostrophes &= apostrophes - 1;
    if (family == O200K && (position == 0 || position == lastEnd || ((letters >> (position - 1)) & 1) == 0)) continue;
    const from = at + position;
    const length = <u32>(family == GPT2 ? contractionBytes(from, from + 3) : contractionBytesAnyCase(from, from + 3));
    if (length == 0) continue;
    const end = position + length;
    if (family == O200K) starts &= ~(((<u64>1 << length) - 1) << position);
    if (family == GPT2) starts &= ~(<u64>2 << position);
    lastEnd = end;
    if (end < 64) starts |= (<u64>1 << end) & letters;
  }
  return starts;
}
