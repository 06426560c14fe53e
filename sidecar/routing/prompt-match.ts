import type { Medium } from '../core/index.ts';
import {
  type BlockKeys,
  computeBlockKeys,
  type Holder,
  type KeySeed,
  type PrefixIndexReader,
} from '../kvindex/index.ts';
import type { PromptSequence } from '../prompt/index.ts';

/** One sequence of a prompt with its block keys under one block size. */
export interface KeyedSequence {
  readonly sequence: PromptSequence;
  readonly keys: BlockKeys;
  /** Blocks that can be reused at most: the last token of a whole prompt is always computed. */
  readonly reusableBlocks: number;
}

/** Anything that can say how many blocks from block 0 each holder has. */
export type Matcher = Pick<PrefixIndexReader, 'match'>;

const tokensIn = (sequence: PromptSequence): number => sequence.tokenCount ?? sequence.tokenIds.length;

const computeKeys = (
  { tokenIds, identity }: PromptSequence,
  options: { readonly blockSize: number; readonly seed: KeySeed },
): BlockKeys => computeBlockKeys(tokenIds, { ...options, identity });

/** Keys of every sequence of a prompt under one block size and one index's seed. */
export const keySequences = (
  sequences: readonly PromptSequence[],
  options: { readonly blockSize: number; readonly seed: KeySeed },
): readonly KeyedSequence[] =>
  sequences.map((sequence) => {
    const { blockSize } = options;
    const tokens = tokensIn(sequence);
    return {
      sequence,
      keys: sequence.blockKeys?.(options) ?? computeKeys(sequence, options),
      reusableBlocks: Math.floor((sequence.isWhole ? Math.max(0, tokens - 1) : tokens) / blockSize),
    };
  });

/** What one view says of a prompt: consecutive blocks from block 0 by holder, one array a sequence. */
export class PromptMatch {
  readonly #keyed: readonly KeyedSequence[];
  readonly #blocks: readonly Int32Array[];

  /** Asks `view` for every sequence; O(blocks) a sequence, one array of `capacity` numbers each. */
  constructor(view: Matcher, keyed: readonly KeyedSequence[], capacity: number) {
    this.#keyed = keyed;
    this.#blocks = keyed.map(({ keys }) => {
      const into = new Int32Array(capacity);
      view.match(keys, into);
      return into;
    });
  }

  /** Tokens that a holder has cached and a request can reuse, sum over sequences. */
  tokensOf(holder: Holder): number {
    let tokens = 0;
    for (let position = 0; position < this.#keyed.length; position += 1) {
      const sequence = this.#keyed[position];
      if (sequence === undefined) break;
      tokens += Math.min(this.#matched(position, holder), sequence.reusableBlocks) * sequence.keys.blockSize;
    }
    return tokens;
  }

  /** Blocks that a holder has of each sequence, reusable or not. */
  blocksOf(holder: Holder): readonly number[] {
    return this.#keyed.map((_, position) => this.#matched(position, holder));
  }

  /** Whether the match of a cut-off prompt reached the end of what is known, so that more may be cached. */
  reachesUnknown(holder: Holder): boolean {
    return this.#keyed.some(
      ({ sequence, reusableBlocks }, position) =>
        !sequence.isWhole && this.#matched(position, holder) >= reusableBlocks,
    );
  }

  #matched(position: number, holder: Holder): number {
    return this.#blocks[position]?.[holder] ?? 0;
  }
}

/** The same by events, each block counted by the weight of the fastest medium that it lies on. */
export class WeightedMatch {
  readonly #tokens: Float64Array;

  /** Asks the index for every sequence up to what can be reused; O(blocks) a sequence. */
  constructor(index: PrefixIndexReader, keyed: readonly KeyedSequence[], weightOf: (medium: Medium) => number) {
    const { capacity } = index;
    const into = { blocks: new Int32Array(capacity), weightedBlocks: new Float64Array(capacity) };
    this.#tokens = new Float64Array(capacity);
    for (const { keys, reusableBlocks } of keyed) {
      index.matchByMedium({ ...keys, count: Math.min(keys.count, reusableBlocks) }, weightOf, into);
      for (const [holder, blocks] of into.weightedBlocks.entries()) {
        this.#tokens[holder] = (this.#tokens[holder] ?? 0) + blocks * keys.blockSize;
      }
    }
  }

  /** Weighted tokens that a holder has cached and a request can reuse, sum over sequences. */
  tokensOf(holder: Holder): number {
    return this.#tokens[holder] ?? 0;
  }
}

/** Tokens in a prompt, all sequences; for cut-off ones what is known of them. */
export const countTokens = (sequences: readonly PromptSequence[]): number =>
  sequences.reduce((sum, sequence) => sum + tokensIn(sequence), 0);
