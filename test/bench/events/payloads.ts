import { seededRandom } from '../../../sidecar/core/index.ts';
import { batchOf } from '../../support/event-payloads.ts';

/** How a benchmark's batches are made. */
export interface PayloadShape {
  readonly encoding: 'array' | 'map';
  /** Stored events a batch, and blocks an event. */
  readonly events: number;
  readonly blocksPerEvent: number;
  readonly tokensPerBlock: number;
  /** Whether as many blocks are removed as are stored, one an event, as an engine with a full cache does. */
  readonly evicts: boolean;
}

/** Batches of an engine at work: each stores new chains; once `cacheBlocks` are held the oldest are removed first. */
export const makePayloads = (
  shape: PayloadShape,
  options: { readonly batches: number; readonly cacheBlocks: number },
): readonly Uint8Array[] => {
  const random = seededRandom(7);
  const word = (): bigint => BigInt(Math.floor(random() * 4294967296));
  const hash = (): bigint => (word() << 32n) | word();
  const held: bigint[] = [];
  const removed = (key: bigint): unknown =>
    shape.encoding === 'array'
      ? ['BlockRemoved', [key], 'GPU', 0]
      : { type: 'BlockRemoved', block_hashes: [key], medium: 'GPU', group_idx: 0 };
  const stored = (): unknown => {
    const keys = Array.from({ length: shape.blocksPerEvent }, hash);
    held.push(...keys);
    const tokens = Array.from({ length: keys.length * shape.tokensPerBlock }, () => Math.floor(random() * 151_643));
    return shape.encoding === 'array'
      ? ['BlockStored', keys, null, tokens, shape.tokensPerBlock, null, 'GPU', null, null, 0]
      : {
          type: 'BlockStored',
          block_hashes: keys,
          parent_block_hash: null,
          token_ids: tokens,
          block_size: shape.tokensPerBlock,
          lora_id: null,
          medium: 'GPU',
          lora_name: null,
          group_idx: 0,
          kv_cache_spec_kind: 'full_attention',
        };
  };
  return Array.from({ length: options.batches }, (_, i) => {
    const removals: unknown[] = [];
    const needed = shape.events * shape.blocksPerEvent;
    if (shape.evicts && held.length >= options.cacheBlocks) removals.push(...held.splice(0, needed).map(removed));
    return batchOf([...removals, ...Array.from({ length: shape.events }, stored)], { atSeconds: 1_750_000_000 + i });
  });
};
