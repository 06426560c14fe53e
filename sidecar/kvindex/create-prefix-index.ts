import { type Random, SidecarError } from '../core/index.ts';
import { ArenaPrefixIndex } from './arena/prefix-index.ts';
import type { KeySeed } from './block-keys.ts';
import { processKeySeed } from './keys/key-seed.ts';
import type { DumpablePrefixIndex } from './port.ts';

/** Options of {@link createPrefixIndex}. */
interface PrefixIndexOptions {
  /**
   * Most distinct blocks kept, 1 to 50 million; default 10 million, about 0.35 GB and as much again for every block
   * and endpoint that holds it. Beyond, the blocks stored longest ago that no other is built on are dropped.
   */
  readonly maxBlocks?: number;
  /** Default: the process's own. */
  readonly keySeed?: KeySeed;
  /** Default `Math.random`. */
  readonly random?: Random;
}

const DEFAULT_MAX_BLOCKS = 10_000_000;
const LARGEST_MAX_BLOCKS = 50_000_000;

/**
 * An empty prefix index in typed arrays, outside the JavaScript heap. Nothing in it pauses for more than a few
 * milliseconds: memory grows in pages and shards, and what a clear or the cap throws away is given back little by
 * little with later writes. Throws `invalid-argument` for a cap outside its range.
 */
export const createPrefixIndex = (options: PrefixIndexOptions = {}): DumpablePrefixIndex => {
  const { maxBlocks = DEFAULT_MAX_BLOCKS, keySeed = processKeySeed, random = Math.random } = options;
  if (!Number.isInteger(maxBlocks) || maxBlocks < 1 || maxBlocks > LARGEST_MAX_BLOCKS) {
    throw new SidecarError('invalid-argument', `maxBlocks must be a whole number from 1 to ${LARGEST_MAX_BLOCKS}`);
  }
  return new ArenaPrefixIndex({ maxBlocks, keySeed, random });
};
