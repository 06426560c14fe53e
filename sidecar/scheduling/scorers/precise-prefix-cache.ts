import type { Scorer } from '../types.ts';
import { cachedShare } from './cached-share.ts';

/**
 * `precise-prefix-cache-scorer`: the share of the prompt that the engine's own events say is cached, blocks on slow media
 * by their weight.
 */
export const createPrecisePrefixCacheScorer = (): Scorer => ({
  type: 'precise-prefix-cache-scorer',
  score: ({ promptTokens }, candidates) =>
    Float64Array.from(candidates, ({ weighted, preciseCachedTokens }) =>
      cachedShare(weighted === undefined ? preciseCachedTokens : weighted.preciseCachedTokens, promptTokens),
    ),
});
