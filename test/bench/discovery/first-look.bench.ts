import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLogger, systemClock } from '../../../sidecar/core/index.ts';
import { createKubernetesDiscovery } from '../../../sidecar/discovery/index.ts';
import { collections } from '../../support/fake-kubernetes-objects.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { connectTo } from './connected.ts';
import { buildFleet } from './fleet.ts';

/** What fills a Pod's object in a cluster and is never read: some 8 KB. */
const podSpec = {
  containers: [
    {
      name: 'vllm',
      env: Array.from({ length: 60 }, (_, index) => ({ name: `SOME_LONG_NAME_${index}`, value: 'x'.repeat(80) })),
    },
  ],
};

/** Runs `work` and keeps the longest block of the event loop that it caused. */
const watched = (name: string, work: () => Promise<void>): BenchmarkBody => {
  let longestBlockMs = 0;
  return {
    name,
    run: async () => {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      await work();
      delay.disable();
      longestBlockMs = Math.max(longestBlockMs, delay.max / 1e6);
    },
    figures: () => ({ longestBlockMs }),
  };
};

const firstLook: Benchmark = {
  name: 'discovery: first look at 1,000 endpoints in 50 slices and their Pods, server in the same process',
  unit: 'look',
  unitsPerCall: 1,
  setup: async ({ isSmoke }) => {
    const fleet = buildFleet({ slices: isSmoke ? 2 : 50, endpointsPerSlice: 20 });
    const pods = fleet.pods.map((pod) => ({ ...pod, spec: podSpec }));
    const connected = await connectTo({ ...fleet, pods });
    const { api } = connected;
    const { signal } = new AbortController();
    const look = async (): Promise<void> => {
      const stopping = new AbortController();
      const discovery = createKubernetesDiscovery({
        namespacesOf: () => null,
        inferencePools: [],
        takesEveryInferencePool: false,
        clock: systemClock,
        random: Math.random,
        logger: silentLogger,
        createApi: async () => api,
      });
      await discovery.start(stopping.signal, () => {});
      stopping.abort();
    };
    const listAtOnce = async (): Promise<void> => {
      await Promise.all(
        [collections.services, collections.slices, collections.pods].map((path) => api.list(path, {}, signal)),
      );
    };
    return {
      baseline: 'whole lists',
      bodies: [watched('whole lists', listAtOnce), watched('discovery, in pages', look)],
      dispose: async () => await connected[Symbol.asyncDispose](),
    };
  },
};

/** What the first look costs, and how long it keeps decisions waiting. */
export const benchmarks: readonly Benchmark[] = [firstLook];
