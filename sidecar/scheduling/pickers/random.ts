import type { Picker } from '../types.ts';
import { candidateAt } from './candidate-at.ts';

/** `random-picker`: any candidate with equal chance, whatever its total. */
export const createRandomPicker = (): Picker => ({
  type: 'random-picker',
  pick: ({ random }, scored) => candidateAt(scored, Math.floor(random() * scored.length)),
});
