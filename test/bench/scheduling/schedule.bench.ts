/** One scheduling run over many candidates; the profile of three plain scorers is the baseline. */

import { seededRandom } from '../../../sidecar/core/index.ts';
import { schedule } from '../../../sidecar/scheduling/index.ts';
import { candidate, profileOf, schedulingRequest } from '../../support/candidates.ts';
import type { Benchmark } from '../harness.ts';

const threeScorers = {
  scorers: [
    { type: 'queue-scorer', weight: 2 },
    { type: 'kv-cache-utilization-scorer', weight: 2 },
    { type: 'precise-prefix-cache-scorer', weight: 3 },
  ],
};

const fleetOf = (size: number) => {
  const random = seededRandom(size);
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: size }, (_, position) =>
    candidate(`e${position}`, {
      cached: below(4096),
      precise: below(4096),
      requests: below(40),
      promptTokens: below(200_000),
      uncached: below(8000),
      awaiting: below(4),
      load: { running: below(40), waiting: below(10), kvUsage: random(), kvCapacityTokens: 450_000 },
    }),
  );
};

const compare = (size: number): Benchmark => ({
  name: `schedule over ${size} endpoints`,
  unit: 'endpoint',
  unitsPerCall: size,
  setup: () => {
    const fleet = fleetOf(size);
    const request = schedulingRequest({ promptTokens: 4096, sessionId: 's', random: seededRandom(1) });
    const body = (name: string, block: unknown) => {
      const profile = profileOf(block);
      return { name, run: () => schedule(request, fleet, profile) };
    };
    return {
      baseline: 'three scorers',
      bodies: [
        body('three scorers', threeScorers),
        body('token cost (default)', {}),
        body('token cost, all terms', {
          scorers: [{ type: 'token-cost-scorer', parameters: { kvBarrier: 'on', hotPrefix: 'on' } }],
        }),
        body('round robin', { scorers: [], picker: { type: 'round-robin-picker' } }),
        body('session affinity', { scorers: [{ type: 'session-affinity-scorer' }] }),
      ],
    };
  },
});

/** Small and large fleets. */
export const benchmarks: readonly Benchmark[] = [compare(8), compare(500)];
