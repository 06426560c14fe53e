import { type BlockKeys, computeBlockKeys, type Holder, type PrefixIndexReader } from '../kvindex/index.ts';
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

/** Keys of every sequence of a prompt under one block size. */
export const keySequences = (sequences: readonly PromptSequence[], blockSize: number): readonly KeyedSequence[] =>
  sequences.map((sequence) => {
    const tokens = sequence.tokenIds.length;
    return {
      sequence,
      keys: computeBlockKeys(sequence.tokenIds, { blockSize, identity: sequence.identity }),
      reusableBlocks: Math.floor((sequence.isWhole ? Math.max(0, tokens - 1) : tokens) / blockSize),
    };
  });

/** Tokens of a prompt that one view says a holder has cached. */
export interface MatchedTokens {
  /** Sum over sequences. */
  tokensOf(holder: Holder): number;
  /** Whether the match of a cut-off prompt reached the end of what is known, so that more may be cached. */
  reachesUnknown(holder: Holder): boolean;
}

/** Asks `view` for every sequence; O(blocks) a sequence, one array of `capacity` numbers each. */
export const matchSequences = (view: Matcher, keyed: readonly KeyedSequence[], capacity: number): MatchedTokens => {
  const blocks = keyed.map(({ keys }) => {
    const into = new Int32Array(capacity);
    view.match(keys, into);
    return into;
  });
  return {
    tokensOf: (holder) =>
      keyed.reduce((sum, { keys, reusableBlocks }, position) => {
        const matched = blocks[position]?.[holder] ?? 0;
        return sum + Math.min(matched, reusableBlocks) * keys.blockSize;
      }, 0),
    reachesUnknown: (holder) =>
      keyed.some(
        ({ sequence, reusableBlocks }, position) =>
          !sequence.isWhole && (blocks[position]?.[holder] ?? 0) >= reusableBlocks,
      ),
  };
};

/** Tokens in a prompt, all sequences; for cut-off ones what is known of them. */
export const countTokens = (sequences: readonly PromptSequence[]): number =>
  sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
