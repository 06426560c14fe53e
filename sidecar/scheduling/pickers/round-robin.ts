import type { EndpointId } from '../../core/index.ts';
import type { Picker } from '../types.ts';
import { refuseNone } from './refuse-none.ts';

/**
 * `round-robin-picker`: the candidate that follows the last pick in order of endpoint id, whatever its total. Going by
 * ids keeps turns fair while endpoints come, go and are filtered. O(candidates).
 */
export const createRoundRobinPicker = (): Picker => {
  let lastPicked: EndpointId | null = null;
  return {
    type: 'round-robin-picker',
    pick: (_request, scored) => {
      refuseNone(scored);
      let first: EndpointId | null = null;
      let firstAt = 0;
      let following: EndpointId | null = null;
      let followingAt = 0;
      for (const [position, { endpoint }] of scored.candidates.entries()) {
        const { id } = endpoint;
        if (first === null || id < first) {
          first = id;
          firstAt = position;
        }
        if (lastPicked === null || id <= lastPicked) continue;
        if (following === null || id < following) {
          following = id;
          followingAt = position;
        }
      }
      return following === null ? firstAt : followingAt;
    },
    settle: (picked) => {
      lastPicked = picked.endpoint.id;
    },
  };
};
