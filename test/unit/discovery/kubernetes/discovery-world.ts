import { seededRandom, silentLogger } from '../../../../sidecar/core/index.ts';
import {
  createKubernetesDiscovery,
  type DiscoveredPool,
  type KubernetesDiscoveryOptions,
} from '../../../../sidecar/discovery/index.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { FakeKubernetes } from '../../../support/fake-kubernetes.ts';
import { collections, service, slice } from '../../../support/fake-kubernetes-objects.ts';

/** A slice of Service qwen with one ready endpoint an address. */
export const endpointSlice = (ips: readonly string[], name = 's') =>
  slice(name, { service: 'qwen', endpoints: ips.map((ip) => ({ ip, pod: `pod-${ip}` })) });

/** Discovery of a whole fake cluster, not started yet. */
export const setUp = (options: Partial<KubernetesDiscoveryOptions> = {}) => {
  const clock = createFakeClock();
  const api = new FakeKubernetes();
  const notices: (readonly DiscoveredPool[])[] = [];
  const stopping = new AbortController();
  const discovery = createKubernetesDiscovery({
    namespacesOf: () => null,
    inferencePools: [],
    takesEveryInferencePool: false,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    createApi: async () => api,
    ...options,
  });
  const start = (): Promise<void> => discovery.start(stopping.signal, (pools) => notices.push(pools));
  const addresses = () => notices.at(-1)?.flatMap(({ endpoints }) => endpoints.map(({ endpoint }) => endpoint.address));
  const codes = () => discovery.findings().map(({ code }) => code);
  return {
    clock,
    api,
    notices,
    discovery,
    start,
    addresses,
    codes,
    stop: () => stopping.abort(),
    [Symbol.dispose]: () => stopping.abort(),
  };
};

/** Discovery that follows Service qwen with one endpoint, 10.0.0.1. */
export const started = async (options: Partial<KubernetesDiscoveryOptions> = {}) => {
  const world = setUp(options);
  world.api.put(collections.services, service('qwen'));
  world.api.put(collections.slices, endpointSlice(['10.0.0.1']));
  await world.start();
  await world.clock.advance(0);
  return world;
};
