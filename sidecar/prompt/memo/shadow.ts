import { type BlockKeys, computeBlockKeys, type KeySeed } from '../../kvindex/index.ts';
import type { PromptSequence } from '../types.ts';

/** Turns of which one is made again from scratch. */
const EVERY = 1000;

/** Compares some remembered prompts with what their bodies give from scratch. */
export class Shadow {
  readonly #every: number;
  readonly #onDifference: () => void;
  #turns = 0;
  #checked = 0;
  #differences = 0;

  /** `onDifference` is called for each prompt that is not as it should be. */
  constructor(options: { readonly onDifference: () => void; readonly every?: number }) {
    this.#every = options.every ?? EVERY;
    this.#onDifference = options.onDifference;
  }

  get checked(): number {
    return this.#checked;
  }

  get differences(): number {
    return this.#differences;
  }

  /** Counts a turn; whether it is one to be checked. */
  isDue(): boolean {
    this.#turns += 1;
    return this.#turns % this.#every === 0;
  }

  /**
   * Compares a prompt's length and the keys made of it with `expected`, null where there should be no prompt at all; says
   * whether they are the same.
   */
  compare(
    sequence: PromptSequence,
    {
      keys,
      seed,
      expected,
    }: { readonly keys: BlockKeys; readonly seed: KeySeed; readonly expected: PromptSequence | null },
  ): boolean {
    this.#checked += 1;
    if (expected !== null && isSame(sequence, keys, { seed, expected })) return true;
    this.#differences += 1;
    this.#onDifference();
    return false;
  }
}

const isSame = (
  sequence: PromptSequence,
  keys: BlockKeys,
  { seed, expected }: { readonly seed: KeySeed; readonly expected: PromptSequence },
): boolean => {
  const { blockSize } = keys;
  const { tokenIds, identity } = expected;
  if ((sequence.tokenCount ?? sequence.tokenIds.length) !== tokenIds.length) return false;
  if (sequence.identity.salt !== identity.salt) return false;
  const wanted = computeBlockKeys(tokenIds, { blockSize, seed, identity });
  if (wanted.count !== keys.count) return false;
  for (let block = 0; block < wanted.count; block += 1) {
    if (wanted.lo[block] !== keys.lo[block] || wanted.hi[block] !== keys.hi[block]) return false;
  }
  return true;
};
