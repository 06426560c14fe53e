import { seededRandom, silentLogger } from '../../sidecar/core/index.ts';
import { createKubernetesDiscovery, createStaticDiscovery } from '../../sidecar/discovery/index.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { FakeKubernetes } from '../support/fake-kubernetes.ts';
import { collections, service, slice } from '../support/fake-kubernetes-objects.ts';
import { describeDiscovery, type Fleet } from './discovery-suite.ts';

const poolsOf = (fleet: Fleet) =>
  Object.entries(fleet).map(([name, addresses]) => ({
    name,
    discovery: { static: addresses.map((address) => ({ address })) },
  }));

describeDiscovery('static', (fleet) => {
  const discovery = createStaticDiscovery(poolsOf(fleet));
  return {
    discovery,
    setFleet: (next) => discovery.replace(poolsOf(next)),
    settle: async () => {},
  };
});

/** Makes a fake cluster hold one annotated Service and one EndpointSlice a pool. */
const putFleet = (api: FakeKubernetes, fleet: Fleet): void => {
  for (const collection of [collections.services, collections.slices]) {
    for (const key of api.keys(collection)) {
      if (fleet[key.slice('llm/'.length)] === undefined) api.delete(collection, key);
    }
  }
  for (const [name, addresses] of Object.entries(fleet)) {
    const endpoints = addresses.map((address) => {
      const [ip = ''] = address.split(':');
      return { ip, pod: `${name}-${ip}` };
    });
    api.put(collections.services, service(name));
    api.put(collections.slices, slice(name, { service: name, endpoints }));
  }
};

describeDiscovery('Kubernetes (fake API server)', (fleet) => {
  const clock = createFakeClock();
  const api = new FakeKubernetes();
  putFleet(api, fleet);
  const discovery = createKubernetesDiscovery({
    namespacesOf: () => null,
    inferencePools: [],
    takesEveryInferencePool: false,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    createApi: async () => api,
  });
  return { discovery, setFleet: (next) => putFleet(api, next), settle: () => clock.advance(1000) };
});
