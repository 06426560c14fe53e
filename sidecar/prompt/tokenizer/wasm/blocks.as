// Where words begin in 64 bytes of ASCII, found by bit operations instead of a look at each character. One bit a byte, the
// first byte lowest; the first byte begins a word.

/** Bytes that one look takes. */
export const BLOCK_BYTES: u32 = 64;

// @ts-ignore: decorator
@inline
function join(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    <u64>i8x16.bitmask(a) |
    (<u64>i8x16.bitmask(b) << 16) |
    (<u64>i8x16.bitmask(c) << 32) |
    (<u64>i8x16.bitmask(d) << 48)
  );
}

// @ts-ignore: decorator
@inline
export function bytesEqual(a: v128, b: v128, c: v128, d: v128, byte: i8): u64 {
  const x = i8x16.splat(byte);
  return join(i8x16.eq(a, x), i8x16.eq(b, x), i8x16.eq(c, x), i8x16.eq(d, x));
}

/** Bytes from `first` to `first + more`. */
// @ts-ignore: decorator
@inline
export function bytesWithin(a: v128, b: v128, c: v128, d: v128, first: i8, more: i8): u64 {
  const x = i8x16.splat(first);
  const y = i8x16.splat(more);
  return join(
    i8x16.le_u(i8x16.sub(a, x), y),
    i8x16.le_u(i8x16.sub(b, x), y),
    i8x16.le_u(i8x16.sub(c, x), y),
    i8x16.le_u(i8x16.sub(d, x), y),
  );
}

/** ASCII letters of either case. */
// @ts-ignore: decorator
@inline
export function letterBytes(a: v128, b: v128, c: v128, d: v128): u64 {
  const x = i8x16.splat(0x20);
  return bytesWithin(v128.or(a, x), v128.or(b, x), v128.or(c, x), v128.or(d, x), 0x61, 25);
}

/** Bytes beyond ASCII. */
// @ts-ignore: decorator
@inline
export function bytesBeyond(a: v128, b: v128, c: v128, d: v128): u64 {
  return join(a, b, c, d);
}

/** Bits of `mask` that a run of bits reaches from above: those whose run of `through` is followed by a bit of `mask`. */
export function floodDown(mask: u64, through: u64): u64 {
  let flooded = (mask >> 1) & through;
  let path = through;
  for (let step: u64 = 1; step < 64; step <<= 1) {
    flooded |= (flooded >> step) & path;
    path &= path >> step;
  }
  return flooded;
}

/** First of each `size` numbers in runs of `digits`. */
// @ts-ignore: decorator
@inline
export function groupStarts(digits: u64, size: u32): u64 {
  if (size == 1) return digits;
  let starts = digits & ~(digits << 1);
  let more = starts;
  const inside = digits & (digits << 1) & (digits << 2) & (digits << 3);
  if (inside == 0) return starts;
  while (more != 0) {
    more = (more << 3) & inside;
    starts |= more;
  }
  return starts;
}
