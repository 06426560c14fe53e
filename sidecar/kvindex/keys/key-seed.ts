import type { KeySeed } from '../block-keys.ts';

/** A fresh seed from the system's random source. */
export const randomKeySeed = (): KeySeed => {
  const [lo = 0, hi = 0] = crypto.getRandomValues(new Int32Array(2));
  return { lo, hi };
};

/** The seed of this process, used where none is given. Random, so that keys cannot be foreseen from outside. */
export const processKeySeed: KeySeed = randomKeySeed();
