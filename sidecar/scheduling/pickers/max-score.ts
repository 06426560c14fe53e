import type { Picker } from '../types.ts';
import { refuseNone } from './refuse-none.ts';

/** `max-score-picker`: the highest total; one of the equals at random where several have it. */
export const createMaxScorePicker = (): Picker => ({
  type: 'max-score-picker',
  pick: ({ random }, scored) => {
    refuseNone(scored);
    let best = 0;
    let highest = scored.totals[0] ?? 0;
    let equals = 1;
    for (let position = 1; position < scored.totals.length; position += 1) {
      const total = scored.totals[position] ?? 0;
      if (total > highest) {
        best = position;
        highest = total;
        equals = 1;
      } else if (total === highest) {
        // The k-th of the equals takes the place with probability 1/k, which is fair to all in one pass.
        equals += 1;
        if (random() * equals < 1) best = position;
      }
    }
    return best;
  },
});
