import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, systemClock } from '../../../sidecar/core/index.ts';
import {
  createKubernetesApi,
  createKubernetesDiscovery,
  type DiscoveredPool,
  type Discovery,
  describeFinding,
  type KubernetesDiscoveryOptions,
} from '../../../sidecar/discovery/index.ts';

/** Discovery as the product runs it, under the credentials of a kubeconfig file. */
export const discoveryUnder = (
  kubeconfig: string,
  options: Partial<KubernetesDiscoveryOptions> & { readonly namespace: string | null },
): Discovery => {
  const { namespace, ...others } = options;
  return createKubernetesDiscovery({
    namespacesOf: () => (namespace === null ? null : [namespace]),
    inferencePools: [],
    takesEveryInferencePool: false,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    createApi: () => {
      process.env['KUBECONFIG'] = kubeconfig;
      return createKubernetesApi();
    },
    ...others,
  });
};

/** A started discovery and what it told. */
export interface FollowedCluster extends Disposable {
  readonly discovery: Discovery;
  pools(): readonly DiscoveredPool[];
  /** Serving addresses of all pools, in order. */
  addresses(): readonly string[];
  /** Waits, looking every few milliseconds, until `isSo` holds; rejects after `deadlineMs` (default 5 s). */
  until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void>;
}

/** Starts discovery; resolves after its first look. */
export const follow = async (
  kubeconfig: string,
  options: Parameters<typeof discoveryUnder>[1],
): Promise<FollowedCluster> => {
  const discovery = discoveryUnder(kubeconfig, options);
  const stopping = new AbortController();
  let last: readonly DiscoveredPool[] = [];
  await discovery.start(stopping.signal, (pools) => {
    last = pools;
  });
  const addresses = () => last.flatMap(({ endpoints }) => endpoints.map(({ endpoint }) => endpoint.address)).sort();
  return {
    discovery,
    pools: () => last,
    addresses,
    until: async (what, isSo, deadlineMs = 5000) => {
      const endMs = performance.now() + deadlineMs;
      while (!isSo()) {
        if (performance.now() > endMs) {
          const findings = discovery.findings().map(describeFinding).join('; ');
          throw new Error(`${what}: not within ${deadlineMs} ms; ${addresses().join(' ')}; ${findings}`);
        }
        await sleep(10);
      }
    },
    [Symbol.dispose]: () => stopping.abort(),
  };
};
