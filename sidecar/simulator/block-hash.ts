import { hash } from 'node:crypto';
import { type BlockIdentity, extraKeysOf } from './cache-event.ts';

/** Identities of a token sequence's full blocks, made one after the other. */
export interface BlockHasher {
  /** Identity of the block after `parent` (null: block 0). O(tokens of the block). */
  identify(block: {
    readonly parent: BlockIdentity | null;
    readonly tokenIds: Int32Array;
    readonly loraName: string | null;
    readonly salt: string | null;
  }): BlockIdentity;
}

/**
 * Creates a hasher whose hashes are the last 64 bits of SHA-256 over the parent's hash (or `seed` for block 0), the
 * tokens and the extra keys. The chain has vLLM's shape, not its values: vLLM hashes pickled Python objects. Engines of
 * equal seed give equal blocks equal hashes, as vLLM does from 0.29; before, each process had a seed of its own.
 */
export const createBlockHasher = (seed: bigint): BlockHasher => {
  const parentBytes = Buffer.alloc(8);
  return {
    identify: (content) => {
      const { parent, tokenIds } = content;
      const block = { ...content, depth: parent === null ? 0 : parent.depth + 1, hash: 0n };
      parentBytes.writeBigUInt64BE(parent === null ? seed : parent.hash);
      const parts = [parentBytes, Buffer.from(tokenIds.buffer, tokenIds.byteOffset, tokenIds.byteLength)];
      const extraKeys = extraKeysOf(block);
      if (extraKeys !== null) parts.push(Buffer.from(JSON.stringify(extraKeys)));
      return { ...block, hash: hash('sha256', Buffer.concat(parts), 'buffer').readBigUInt64BE(24) };
    },
  };
};
