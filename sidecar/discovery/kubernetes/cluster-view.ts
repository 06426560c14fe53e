import type { EndpointSliceObject, InferencePoolObject, PodObject, ServiceObject } from './objects.ts';

/** Everything known of a cluster at one moment. An array stays the same object while nothing in it changes. */
export interface ClusterState {
  readonly services: readonly ServiceObject[];
  readonly slices: readonly EndpointSliceObject[];
  readonly pods: readonly PodObject[];
  readonly inferencePools: readonly InferencePoolObject[];
}

/** Look-ups over a cluster's state. */
export interface ClusterView {
  readonly state: ClusterState;
  /** Slices of a Service, IPv4 before IPv6 so that a dual-stack Pod counts by its IPv4 address, then by name. */
  slicesOf(service: ServiceObject): readonly EndpointSliceObject[];
  podByUid(uid: string): PodObject | undefined;
  podsIn(namespace: string): readonly PodObject[];
}

const byAddressType = (a: EndpointSliceObject, b: EndpointSliceObject): number => {
  if (a.addressType !== b.addressType) return a.addressType < b.addressType ? -1 : 1;
  return a.meta.name < b.meta.name ? -1 : 1;
};

const groupBy = <Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> => {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
};

/** Gives `derive` of the last argument again while the argument stays the same object. */
const derivedFrom = <From extends object, Derived>(derive: (from: From) => Derived): ((from: From) => Derived) => {
  let last: { readonly from: From; readonly derived: Derived } | null = null;
  return (from) => {
    if (last?.from !== from) last = { from, derived: derive(from) };
    return last.derived;
  };
};

/** Creates views of successive states; look-up tables are made anew only for arrays that changed. */
export const createClusterViews = (): ((state: ClusterState) => ClusterView) => {
  const slicesByService = derivedFrom((slices: readonly EndpointSliceObject[]) => {
    const routable = slices.filter(({ addressType }) => addressType !== 'FQDN');
    const groups = groupBy(routable, ({ meta }) => `${meta.namespace}/${meta.labels['kubernetes.io/service-name']}`);
    for (const group of groups.values()) group.sort(byAddressType);
    return groups;
  });
  const podsByUid = derivedFrom((pods: readonly PodObject[]) => new Map(pods.map((pod) => [pod.meta.uid, pod])));
  const podsByNamespace = derivedFrom((pods: readonly PodObject[]) => groupBy(pods, ({ meta }) => meta.namespace));
  return (state) => ({
    state,
    slicesOf: ({ meta }) => slicesByService(state.slices).get(`${meta.namespace}/${meta.name}`) ?? [],
    podByUid: (uid) => podsByUid(state.pods).get(uid),
    podsIn: (namespace) => podsByNamespace(state.pods).get(namespace) ?? [],
  });
};
