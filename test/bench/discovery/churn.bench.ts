import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { silentLogger, systemClock } from '../../../sidecar/core/index.ts';
import { createKubernetesDiscovery, type KubernetesApi } from '../../../sidecar/discovery/index.ts';
import { collections } from '../../support/fake-kubernetes-objects.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { connectTo } from './connected.ts';
import { buildFleet } from './fleet.ts';

const CHANGES_A_SECOND = 100;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const heapMegabytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

/** What the client costs without us: the same watches, parsed and thrown away. */
const followOnly = async (api: KubernetesApi, signal: AbortSignal): Promise<void> => {
  for (const path of Object.values(collections)) {
    const opened = Promise.withResolvers<void>();
    const { resourceVersion } = await api.list(path, {}, signal);
    const watch = api.watch(path, { resourceVersion }, { signal, onOpen: opened.resolve, onEvent: () => {} });
    watch.catch(() => {});
    await opened.promise;
  }
};

const discover = (api: KubernetesApi, signal: AbortSignal): Promise<void> =>
  createKubernetesDiscovery({
    namespacesOf: () => null,
    inferencePools: ['v1'],
    takesEveryInferencePool: false,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    createApi: async () => api,
  }).start(signal, () => {});

const churn: Benchmark = {
  name: `discovery: 1,000 endpoints in 50 slices, ${CHANGES_A_SECOND} changes/s over HTTP, server in the same process`,
  unit: 'change',
  unitsPerCall: CHANGES_A_SECOND,
  setup: async ({ isSmoke }) => {
    const fleet = buildFleet({ slices: isSmoke ? 2 : 50, endpointsPerSlice: 20 });
    const stopping = new AbortController();
    const perSecond = isSmoke ? 2 : CHANGES_A_SECOND;
    const follow = async (name: string, begin: typeof discover): Promise<BenchmarkBody & AsyncDisposable> => {
      const connected = await connectTo(fleet);
      const { fake, api } = connected;
      await begin(api, stopping.signal);
      const heapBefore = heapMegabytes();
      let change = 0;
      let longestBlockMs = 0;
      return {
        name,
        run: async () => {
          const delay = monitorEventLoopDelay({ resolution: 1 });
          delay.enable();
          const startMs = performance.now();
          for (let index = 1; index <= perSecond; index += 1) {
            fake.put(collections.slices, fleet.changed(change++));
            await sleep(Math.max(0, startMs + index * (1000 / CHANGES_A_SECOND) - performance.now()));
          }
          delay.disable();
          longestBlockMs = Math.max(longestBlockMs, delay.max / 1e6);
          // The fake's memory of past events is none of what is measured.
          fake.compact();
        },
        figures: () => ({ longestBlockMs, heapGrowthMb: heapMegabytes() - heapBefore }),
        [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose](),
      };
    };
    const bodies = [await follow('client alone', followOnly), await follow('discovery', discover)];
    return {
      baseline: 'client alone',
      bodies,
      dispose: async () => {
        stopping.abort();
        for (const body of bodies) await body[Symbol.asyncDispose]();
      },
    };
  },
};

/** What following a busy cluster costs; the difference of the two bodies' CPU is discovery's own share. */
export const benchmarks: readonly Benchmark[] = [churn];
