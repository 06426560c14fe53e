import type { Medium } from '../core/index.ts';
import type { RoutedPool } from './routed-pool.ts';

/**
 * What a cached block is worth by the medium it lies on. Copying a block from host memory costs a fraction of computing
 * it, and engines announce blocks there that cannot be loaded one by one, so it counts for less: 0.8, as llm-d has it.
 */
const knownWeights: Readonly<Record<string, number>> = { gpu: 1, cpu: 0.8 };
/** Disks, object stores, whatever else a connector reports: how fast they are is not known here. */
const OTHER_WEIGHT = 0.5;

/**
 * Weight of a block by its medium, in [0, 1]: as configured, else 1 on `GPU`, 0.8 on `CPU`, 0.5 elsewhere. Case does not
 * count: vLLM's offloading says `CPU`, Mooncake's store `cpu`.
 */
export const createMediumWeights = (configured: Readonly<Record<string, number>>): ((medium: Medium) => number) => {
  const weights = new Map(Object.entries(knownWeights));
  for (const [medium, weight] of Object.entries(configured)) weights.set(medium.toLowerCase(), weight);
  return (medium) => weights.get(medium.toLowerCase()) ?? OTHER_WEIGHT;
};

/** A pool's weights, null where every medium that its endpoints have blocks on counts for 1. */
export const slowMediaWeight = ({ index, mediumWeight }: RoutedPool): ((medium: Medium) => number) | null => {
  if (mediumWeight === undefined) return null;
  for (const medium of index.media()) if (mediumWeight(medium) < 1) return mediumWeight;
  return null;
};
