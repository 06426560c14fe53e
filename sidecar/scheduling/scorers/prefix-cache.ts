import type { Scorer } from '../types.ts';
import { cachedShare } from './cached-share.ts';

/**
 * `prefix-cache-scorer`: the share of the prompt that own routing history says is cached. It takes what was sent to an
 * endpoint to be cached there and learns nothing of evictions, restarts or other routers.
 */
export const createPrefixCacheScorer = (): Scorer => ({
  type: 'prefix-cache-scorer',
  score: ({ promptTokens }, candidates) =>
    Float64Array.from(candidates, ({ approximateCachedTokens }) => cachedShare(approximateCachedTokens, promptTokens)),
});
