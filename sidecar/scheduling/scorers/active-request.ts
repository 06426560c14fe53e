import type { Scorer } from '../types.ts';

/**
 * `active-request-scorer`: fewer own requests in flight is better: (most − own) / most over the candidates, 1 for all
 * where none has any. Reads the sidecar's ledger, no scrape.
 */
export const createActiveRequestScorer = (): Scorer => ({
  type: 'active-request-scorer',
  score: (_request, candidates) => {
    const most = candidates.reduce((max, { work }) => Math.max(max, work.requests), 0);
    return Float64Array.from(candidates, ({ work }) => (most === 0 ? 1 : (most - work.requests) / most));
  },
});
