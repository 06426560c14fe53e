import type { EndpointId } from '../../core/index.ts';
import type { Picker } from '../types.ts';
import { candidateAt } from './candidate-at.ts';

/**
 * `round-robin-picker`: the candidate that follows the last pick in order of endpoint id, whatever its total. Going by
 * ids keeps turns fair while endpoints come, go and are filtered. O(candidates).
 */
export const createRoundRobinPicker = (): Picker => {
  let lastPicked: EndpointId | null = null;
  return {
    type: 'round-robin-picker',
    pick: (_request, scored) => {
      let first = candidateAt(scored, 0);
      let following: typeof first | null = null;
      for (const entry of scored) {
        const { id } = entry.candidate.endpoint;
        if (id < first.candidate.endpoint.id) first = entry;
        if (lastPicked === null || id <= lastPicked) continue;
        if (following === null || id < following.candidate.endpoint.id) following = entry;
      }
      return following ?? first;
    },
    settle: (picked) => {
      lastPicked = picked.endpoint.id;
    },
  };
};
