import { randomInt } from 'node:crypto';

const seed = (): number => randomInt(0, 2 ** 32) | 0;
const seeds: readonly [number, number, number, number] = [seed(), seed(), seed(), seed()];

const finish = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b) ^ (mixed >>> 13);
};

/**
 * Writes 128 bits of hash of a text to `into`, as four Int32. Seeded at random per process, so that no client can aim at a
 * collision; of no use beyond it. Two UTF-16 units a step; no allocation.
 */
export const hashText = (text: string, into: Int32Array): void => {
  let [a, b, c, d] = seeds;
  const { length } = text;
  a ^= length;
  for (let at = 0; at < length; at += 2) {
    const second = at + 1 < length ? text.charCodeAt(at + 1) : 0;
    const unit = text.charCodeAt(at) | (second << 16);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (a >>> 15);
    c = Math.imul(c + unit, 0xc2b2ae35) ^ (b >>> 13);
    d = Math.imul(d ^ unit, 0x27d4eb2f) + (c >>> 17);
  }
  into[0] = finish(a ^ d);
  into[1] = finish(b ^ a);
  into[2] = finish(c ^ b);
  into[3] = finish(d ^ c);
};
