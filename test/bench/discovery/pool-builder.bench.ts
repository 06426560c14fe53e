import type { ClusterState } from '../../../sidecar/discovery/kubernetes/cluster-view.ts';
import { readEndpointSlice, readPod, readService } from '../../../sidecar/discovery/kubernetes/objects.ts';
import { createPoolBuilder } from '../../../sidecar/discovery/kubernetes/pool-builder.ts';
import type { Benchmark } from '../harness.ts';
import { buildFleet } from './fleet.ts';

const options = { takesEveryInferencePool: false };

/** One slice changes; the pool of all slices is built again. */
const rebuild: Benchmark = {
  name: 'discovery: pool of 1,000 endpoints in 50 slices after one slice changed',
  unit: 'rebuild',
  unitsPerCall: 1,
  setup: ({ isSmoke }) => {
    const fleet = buildFleet({ slices: isSmoke ? 2 : 50, endpointsPerSlice: 20 });
    const start: ClusterState = {
      services: [readService(fleet.service)],
      slices: fleet.slices.map(readEndpointSlice),
      pods: fleet.pods.map(readPod),
      inferencePools: [],
    };
    const body = (name: string, build: (state: ClusterState) => unknown) => {
      let change = 0;
      let slices = start.slices;
      return {
        name,
        reset: () => {
          const next = readEndpointSlice(fleet.changed(change++));
          slices = slices.map((slice) => (slice.meta.name === next.meta.name ? next : slice));
        },
        run: () => build({ ...start, slices }),
      };
    };
    const stepwise = createPoolBuilder(options);
    return {
      baseline: 'everything anew',
      bodies: [
        body('everything anew', (state) => createPoolBuilder(options)(state)),
        body('only what changed', stepwise),
      ],
    };
  },
};

/** What one change costs the builder. */
export const benchmarks: readonly Benchmark[] = [rebuild];
