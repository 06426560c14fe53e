/** Uniform numbers in [0, 1); handed in so that runs can be repeated. */
export type Random = () => number;

/** A repeatable generator (mulberry32) from a 32-bit seed. */
export const seededRandom = (seed: number): Random => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};

/** `baseMs` doubled per attempt up to `capMs`, of which a random half is taken away. Attempts count from 0. */
export const backoffMs = (options: { attempt: number; baseMs: number; capMs: number; random: Random }): number => {
  const fullMs = Math.min(options.capMs, options.baseMs * 2 ** Math.min(options.attempt, 30));
  return fullMs * (0.5 + 0.5 * options.random());
};
