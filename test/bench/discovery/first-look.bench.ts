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

/**
 * Watches the event loop until its result is called, which gives the CPU time of the longest turn in milliseconds: unlike
 * the delay of a timer it does not grow with what else the machine does.
 */
const watchTurns = (): (() => number) => {
  let longestUs = 0;
  let last = process.threadCpuUsage();
  let isOver = false;
  const turn = (): void => {
    const now = process.threadCpuUsage();
    longestUs = Math.max(longestUs, now.user + now.system - last.user - last.system);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return longestUs / 1000;
  };
};

/** Runs `work` and keeps the longest turn of the event loop that it had: the first call's, cold, and of those after it. */
const watched = (name: string, work: () => Promise<void>): BenchmarkBody => {
  let firstTurnMs: number | null = null;
  let longestTurnMs = 0;
  return {
    name,
    run: async () => {
      const end = watchTurns();
      await work();
      const turnMs = end();
      if (firstTurnMs === null) firstTurnMs = turnMs;
      else longestTurnMs = Math.max(longestTurnMs, turnMs);
    },
    figures: () => ({ longestTurnColdMs: firstTurnMs ?? 0, longestTurnMs }),
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
