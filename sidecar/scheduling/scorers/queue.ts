import type { Scorer } from '../types.ts';

/**
 * `queue-scorer`: fewer waiting requests by the last scrape is better: (max − waiting) / (max − min) over the candidates,
 * 1 for all where they are equal. An endpoint whose load is not known counts as the longest known queue.
 */
export const createQueueScorer = (): Scorer => ({
  type: 'queue-scorer',
  score: (_request, candidates) => {
    let longest = Number.NEGATIVE_INFINITY;
    let shortest = Number.POSITIVE_INFINITY;
    for (const { load } of candidates) {
      if (load === null) continue;
      longest = Math.max(longest, load.waiting);
      shortest = Math.min(shortest, load.waiting);
    }
    const isEven = longest <= shortest && candidates.every(({ load }) => load !== null);
    const scores = new Float64Array(candidates.length).fill(1);
    if (isEven || longest === Number.NEGATIVE_INFINITY) return scores;
    const span = longest - shortest;
    for (const [position, { load }] of candidates.entries()) {
      if (load === null) scores[position] = 0;
      else if (span > 0) scores[position] = (longest - load.waiting) / span;
    }
    return scores;
  },
});
