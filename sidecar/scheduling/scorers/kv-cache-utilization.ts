import type { Scorer } from '../types.ts';

/**
 * `kv-cache-utilization-scorer`: the share of cache memory free by the last scrape, 1 − usage. An endpoint whose load
 * is not known counts as full, or as empty where no candidate's is known.
 */
export const createKvCacheUtilizationScorer = (): Scorer => ({
  type: 'kv-cache-utilization-scorer',
  score: (_request, candidates) => {
    const isAnyKnown = candidates.some(({ load }) => load !== null);
    return Float64Array.from(candidates, ({ load }) => {
      if (load === null) return isAnyKnown ? 0 : 1;
      return Math.min(1, Math.max(0, 1 - load.kvUsage));
    });
  },
});
