import type { HeldBlock } from './block-pool.ts';
import type { BlockIdentity } from './cache-event.ts';

/** A distinct block in an engine's cache, described by what it stands for. */
export interface EngineBlock {
  /** The engine's hash of it, as its events carry it. */
  readonly hash: bigint;
  /** Every token from the prompt's first to this block's last. */
  readonly prefixTokenIds: Int32Array;
  readonly loraName: string | null;
  readonly salt: string | null;
  /** Physical copies held. */
  readonly copies: number;
}

/** Writes a held block's whole chain out. O(depth). */
export const describeBlock = ({ identity, copies }: HeldBlock): EngineBlock => {
  const { hash, loraName, salt, depth, tokenIds } = identity;
  const prefixTokenIds = new Int32Array((depth + 1) * tokenIds.length);
  for (let block: BlockIdentity | null = identity; block !== null; block = block.parent) {
    prefixTokenIds.set(block.tokenIds, block.depth * tokenIds.length);
  }
  return { hash, prefixTokenIds, loraName, salt, copies };
};
