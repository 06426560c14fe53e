import { computeBlockKeys, type Holder, type PrefixIndex } from '../../sidecar/kvindex/index.ts';
import type { Engine } from '../../sidecar/simulator/index.ts';

/** What is compared: a holder's part of an index with one rank of an engine. */
export interface IndexTruth {
  readonly index: PrefixIndex;
  readonly holder: Holder;
  readonly engine: Engine;
  readonly blockSize: number;
  readonly rank?: number;
}

/**
 * Blocks that only one of index and engine has; empty when they are equal. Each block that the engine holds is looked up
 * by the tokens of its whole chain, then the index is checked for holding no more. The engine's pool is ahead of its
 * events while a request is computed, so ask at rest. O(blocks x depth).
 */
export const indexDifferences = ({ index, holder, engine, blockSize, rank = 0 }: IndexTruth): readonly string[] => {
  const held = engine.blocks(rank);
  const missing = held.filter(({ prefixTokenIds, loraName, salt }) => {
    const identity = { loraName, salt, multimodal: [] };
    const keys = computeBlockKeys(prefixTokenIds, { blockSize, identity, seed: index.keySeed });
    return !index.holds(holder, keys, keys.count - 1);
  });
  const extra = index.blocksOf(holder) - (held.length - missing.length);
  return [
    ...missing.map(({ prefixTokenIds }) => `missing: ${prefixTokenIds.join(',')}`),
    ...(extra === 0 ? [] : [`${extra} blocks that the engine does not hold`]),
  ];
};
