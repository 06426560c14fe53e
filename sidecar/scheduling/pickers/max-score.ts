import type { Picker } from '../types.ts';
import { candidateAt } from './candidate-at.ts';

/** `max-score-picker`: the highest total; one of the equals at random where several have it. */
export const createMaxScorePicker = (): Picker => ({
  type: 'max-score-picker',
  pick: ({ random }, scored) => {
    let best = candidateAt(scored, 0);
    let equals = 1;
    for (const candidate of scored.slice(1)) {
      if (candidate.total > best.total) {
        best = candidate;
        equals = 1;
      } else if (candidate.total === best.total) {
        // The k-th of the equals takes the place with probability 1/k, which is fair to all in one pass.
        equals += 1;
        if (random() * equals < 1) best = candidate;
      }
    }
    return best;
  },
});
