// Hashes of stretches of a body and the ends of JSON values in it. The host writes the body to INPUT, 64 bytes after it are
// the module's; keys are the host's random numbers.
//
// Chunks are hashed by NH of UMAC (RFC 4418, section 5.2): for two different chunks and random keys the 64-bit sums of both
// passes are equal with a probability of at most 2^-64, whatever the chunks are. The passes' keys are 16 bytes apart. Sums
// are chained by SipHash's rounds (Aumasson and Bernstein, 2012), since they are not to be laid over each other.

/** Random words: those of NH's two passes, then two of 64 bits for the chain. */
export const KEYS: usize = 0x1000;
/** Where a hash of 16 bytes goes. */
export const RESULT: usize = 0x2000;
/** Chain hashes of the chunks, 16 bytes each. */
export const CHAIN: usize = 0x4000;
/** The body. */
export const INPUT: usize = 0x20000;

/** Bytes that one round of NH takes. */
export const CHUNK_BYTES: u32 = 2048;
/** Chunks that CHAIN has room for. */
export const MAX_CHUNKS: u32 = 7000;

/** Deeper values are left to the host. */
const MAX_DEPTH: i32 = 64;

const REST: usize = 0x3000;
const CHAIN_KEYS: usize = KEYS + 2048 + 16;

let first: u64 = 0;
let second: u64 = 0;

/** NH of `length` bytes, a multiple of 32 up to CHUNK_BYTES, to `first` and `second`. */
function sums(at: usize, length: usize): void {
  let a = i64x2.splat(0);
  let b = i64x2.splat(0);
  let key = KEYS;
  let next = v128.load(key);
  for (const end = at + length; at < end; at += 32) {
    const x = v128.load(at);
    const y = v128.load(at, 16);
    const k0 = next;
    const k1 = v128.load(key, 16);
    next = v128.load(key, 32);
    const p = i32x4.add(x, k0);
    const q = i32x4.add(y, k1);
    const r = i32x4.add(x, k1);
    const s = i32x4.add(y, next);
    a = i64x2.add(a, i64x2.add(i64x2.extmul_low_i32x4_u(p, q), i64x2.extmul_high_i32x4_u(p, q)));
    b = i64x2.add(b, i64x2.add(i64x2.extmul_low_i32x4_u(r, s), i64x2.extmul_high_i32x4_u(r, s)));
    key += 32;
  }
  first = i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
  second = i64x2.extract_lane(b, 0) + i64x2.extract_lane(b, 1);
}

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;

// @ts-ignore: decorator
@inline
function round(): void {
  v0 += v1;
  v1 = rotl(v1, 13) ^ v0;
  v0 = rotl(v0, 32);
  v2 += v3;
  v3 = rotl(v3, 16) ^ v2;
  v0 += v3;
  v3 = rotl(v3, 21) ^ v0;
  v2 += v1;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
}

function start(): void {
  const k0 = load<u64>(CHAIN_KEYS);
  const k1 = load<u64>(CHAIN_KEYS, 8);
  v0 = k0 ^ 0x736f6d6570736575;
  v1 = k1 ^ 0x646f72616e646f6d;
  v2 = k0 ^ 0x6c7967656e657261;
  v3 = k1 ^ 0x7465646279746573;
}

function absorb(word: u64): void {
  v3 ^= word;
  round();
  round();
  v0 ^= word;
}

/** The state as 128 bits, without disturbing it: what goes on is not what was told. */
function tell(at: usize): void {
  const a = v0;
  const b = v1;
  const c = v2;
  const d = v3;
  v2 ^= 0xee;
  round();
  round();
  round();
  store<u64>(at, v0 ^ v1 ^ v2 ^ v3);
  v1 ^= 0xdd;
  round();
  round();
  round();
  store<u64>(at, v0 ^ v1 ^ v2 ^ v3, 8);
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
}

/** Writes the chain hash after each whole chunk from `at` to CHAIN; returns their number. */
export function chunks(at: usize, length: u32): u32 {
  const count = length / CHUNK_BYTES;
  start();
  let out = CHAIN;
  for (let chunk: u32 = 0; chunk < count; chunk++) {
    sums(at, CHUNK_BYTES);
    absorb(first);
    absorb(second);
    tell(out);
    at += CHUNK_BYTES;
    out += 16;
  }
  return count;
}

/** Writes the hash of a stretch to RESULT. */
export function hash(at: usize, length: u32): void {
  start();
  absorb(<u64>length);
  let left = length;
  for (; left >= CHUNK_BYTES; left -= CHUNK_BYTES) {
    sums(at, CHUNK_BYTES);
    absorb(first);
    absorb(second);
    at += CHUNK_BYTES;
  }
  if (left > 0) {
    const padded = (left + 31) & ~31;
    memory.copy(REST, at, left);
    memory.fill(REST + left, 0, padded - left);
    sums(REST, padded);
    absorb(first);
    absorb(second);
  }
  tell(RESULT);
}

/** First quote or backslash from `at` on, or a place at or after `end`. */
function stringStop(at: usize, end: usize): usize {
  const quotes = i8x16.splat(0x22);
  const slashes = i8x16.splat(0x5c);
  for (; at < end; at += 16) {
    const bytes = v128.load(at);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, slashes)));
    if (mask != 0) return at + ctz(mask);
  }
  return end;
}

/** Behind the string whose opening quote is at `at`; 0 where it does not end. */
export function skipString(at: usize, end: usize): usize {
  at++;
  while (true) {
    at = stringStop(at, end);
    if (at >= end) return 0;
    if (load<u8>(at) == 0x22) return at + 1;
    at += 2;
  }
}

/** First quote, bracket or brace from `at` on. */
function structureStop(at: usize, end: usize): usize {
  const quotes = i8x16.splat(0x22);
  const folds = i8x16.splat(0x20);
  const open = i8x16.splat(0x7b);
  const close = i8x16.splat(0x7d);
  for (; at < end; at += 16) {
    const bytes = v128.load(at);
    // A bracket with this bit set is a brace.
    const folded = v128.or(bytes, folds);
    const braces = v128.or(i8x16.eq(folded, open), i8x16.eq(folded, close));
    const mask = i8x16.bitmask(v128.or(i8x16.eq(bytes, quotes), braces));
    if (mask != 0) return at + ctz(mask);
  }
  return end;
}

/** Behind the object or list that begins at `at`; 0 where it does not end, or is too deep. Brackets are counted alone. */
export function skipContainer(at: usize, end: usize): usize {
  let depth = 0;
  while (true) {
    at = structureStop(at, end);
    if (at >= end) return 0;
    const byte = load<u8>(at);
    if (byte == 0x22) {
      at = skipString(at, end);
      if (at == 0) return 0;
      continue;
    }
    at++;
    if ((byte | 0x20) == 0x7b) {
      if (++depth > MAX_DEPTH) return 0;
    } else if (--depth == 0) return at;
  }
}
