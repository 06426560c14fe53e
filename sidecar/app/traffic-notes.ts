import type { EndpointId } from '../core/index.ts';
import type { EndpointLoad } from '../pool/index.ts';

/**
 * Tells from two scrapes in a row that an engine computed prompts: `onTraffic` is called where they were, on average, longer
 * than what was cached of them by two blocks or more, so that one of them must have stored a block. A null load, as of an
 * endpoint that is gone, forgets what was seen.
 */
export const createTrafficNotes = (
  onTraffic: (endpoint: EndpointId) => void,
): ((endpoint: EndpointId, load: EndpointLoad | null) => void) => {
  const previous = new Map<EndpointId, EndpointLoad>();
  return (endpoint, load) => {
    const before = previous.get(endpoint);
    if (load === null) {
      previous.delete(endpoint);
      return;
    }
    previous.set(endpoint, load);
    if (before === undefined || load.blockSize === null) return;
    const grownBy = (figure: 'prefixCacheQueries' | 'prefixCacheHits' | 'firstTokens'): number =>
      (load[figure] ?? 0) - (before[figure] ?? 0);
    const requests = grownBy('firstTokens');
    const uncachedTokens = grownBy('prefixCacheQueries') - grownBy('prefixCacheHits');
    if (requests > 0 && uncachedTokens >= 2 * load.blockSize * requests) onTraffic(endpoint);
  };
};
