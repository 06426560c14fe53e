import type { Scorer } from '../types.ts';
import { cachedShare } from './cached-share.ts';

/** `precise-prefix-cache-scorer`: the share of the prompt that the engine's own events say is cached. */
export const createPrecisePrefixCacheScorer = (): Scorer => ({
  type: 'precise-prefix-cache-scorer',
  score: ({ promptTokens }, candidates) =>
    Float64Array.from(candidates, ({ preciseCachedTokens }) => cachedShare(preciseCachedTokens, promptTokens)),
});
