import type { Vocabulary } from './vocabulary.ts';

/** What a generated sequence depends on. */
interface TokenSourceRequest {
  readonly promptTokenIds: Int32Array;
  /** Which of a request's `n` answers this is, from 0. */
  readonly choice: number;
}

/** Gives, for one sequence, the function from index (from 0) to generated token. */
export type TokenSource = (request: TokenSourceRequest) => (index: number) => number;

/** Murmur3's finalizer: every bit of the result depends on every bit of `value`. */
const mix = (value: number): number => {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};

const newline = 0x0a;

/**
 * Creates a source of ordinary words, the same for the same prompt, choice and seed. After a line end (where chat
 * templates leave off) it begins with a word that has no space before it. The text is tokenized back to the generated
 * tokens as long as what follows it does not begin with a letter, so that the next turn of a chat finds the blocks that
 * this turn's answer filled.
 */
export const createWordSource = (vocabulary: Vocabulary, seed: number): TokenSource => {
  const pick = (words: readonly number[], state: number) => words[mix(state) % words.length] ?? 0;
  return ({ promptTokenIds, choice }) => {
    let state = mix(mix(seed ^ 0x9e3779b1) + choice);
    for (const tokenId of promptTokenIds) state = mix(state ^ tokenId);
    const lastBytes = vocabulary.bytesOf(promptTokenIds[promptTokenIds.length - 1] ?? 0);
    const beginsLine = lastBytes[lastBytes.length - 1] === newline;
    return (index) => pick(index === 0 && beginsLine ? vocabulary.bareWords : vocabulary.spacedWords, state + index);
  };
};
