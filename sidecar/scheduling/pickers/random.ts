import type { Picker } from '../types.ts';
import { refuseNone } from './refuse-none.ts';

/** `random-picker`: any candidate with equal chance, whatever its total. */
export const createRandomPicker = (): Picker => ({
  type: 'random-picker',
  pick: ({ random }, scored) => {
    refuseNone(scored);
    return Math.floor(random() * scored.candidates.length);
  },
});
