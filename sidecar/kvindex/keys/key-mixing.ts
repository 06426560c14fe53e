/**
 * The 64-bit chain that block keys are made of. A state is two Int32 halves in an Int32Array; each step replaces it.
 *
 * Tokens go through four 32-bit lanes side by side, which keeps a processor's multipliers busy. Lanes are added to
 * their neighbours every round, and all four enter both halves of the result: a key has 64 useful bits even among
 * blocks that differ in tokens of one lane only.
 */

const { imul } = Math;

const LANE_A = 0x9e3779b1 | 0;
const LANE_B = 0x85ebca77 | 0;
const LANE_C = 0xc2b2ae3d | 0;
const LANE_D = 0x27d4eb2f | 0;
const FINAL_1 = 0x7feb352d | 0;
const FINAL_2 = 0x846ca68b | 0;
const START_C = 0x51ed270b | 0;
const START_D = 0x3c6ef372 | 0;

/** Replaces a parent block's key in `state` by that of the child with these tokens. O(blockSize), no allocation. */
export const absorbTokens = (state: Int32Array, tokenIds: Int32Array, from: number, blockSize: number): void => {
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = a ^ START_C;
  let d = b ^ START_D;
  const end = from + blockSize;
  let at = from;
  for (; at + 4 <= end; at += 4) {
    a = imul(a ^ (tokenIds[at] ?? 0), LANE_A);
    b = imul(b ^ (tokenIds[at + 1] ?? 0), LANE_B);
    c = imul(c ^ (tokenIds[at + 2] ?? 0), LANE_C);
    d = imul(d ^ (tokenIds[at + 3] ?? 0), LANE_D);
    a = (((a << 15) | (a >>> 17)) + b) | 0;
    b = (((b << 13) | (b >>> 19)) + c) | 0;
    c = (((c << 16) | (c >>> 16)) + d) | 0;
    d = (((d << 17) | (d >>> 15)) + a) | 0;
  }
  for (; at < end; at += 1) {
    a = imul(a ^ (tokenIds[at] ?? 0), LANE_A);
    a = (((a << 15) | (a >>> 17)) + b) | 0;
    b = (b ^ imul(a, LANE_D)) | 0;
  }
  finish(state, (a + c + imul(b, LANE_C)) | 0, (b + d + imul(a, LANE_B)) | 0);
};

/** Mixes one integer into `state`. Different integers give different states. */
export const absorbInteger = (state: Int32Array, value: number): void => {
  const lo = imul((state[0] ?? 0) ^ value, LANE_A);
  finish(state, ((lo << 15) | (lo >>> 17)) ^ START_C, (state[1] ?? 0) ^ START_D);
};

/** Mixes a text into `state`, its length first, so that no two lists of texts run into each other. */
export const absorbText = (state: Int32Array, text: string): void => {
  absorbInteger(state, text.length);
  for (let at = 0; at < text.length; at += 2) {
    // Past the end charCodeAt gives NaN, which becomes 0.
    absorbInteger(state, text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
  }
};

/** A bijection of 64 bits in which every input bit reaches every output bit. */
const finish = (state: Int32Array, low: number, high: number): void => {
  let lo = low ^ high;
  let hi = high;
  lo = imul(lo ^ (lo >>> 16), FINAL_1);
  hi = imul(hi ^ (hi >>> 15) ^ lo, FINAL_2);
  hi ^= hi >>> 16;
  lo = imul(lo ^ (lo >>> 15) ^ hi, LANE_A);
  lo ^= lo >>> 16;
  state[0] = lo;
  state[1] = hi;
};
