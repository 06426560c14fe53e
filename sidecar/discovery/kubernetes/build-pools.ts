import { type Endpoint, endpointId, type PoolName, poolName } from '../../core/index.ts';
import type { DiscoveredEndpoint, DiscoveredPool, PoolDefinition } from '../port.ts';
import { type PoolAnnotations, parsePodAnnotations, parsePoolAnnotations } from './annotations.ts';
import type { EndpointSliceObject, InferencePoolObject, ObjectMeta, PodObject, ServiceObject } from './objects.ts';

/** Everything known of a cluster at one moment. */
export interface ClusterState {
  readonly services: readonly ServiceObject[];
  readonly slices: readonly EndpointSliceObject[];
  readonly pods: readonly PodObject[];
  readonly inferencePools: readonly InferencePoolObject[];
}

/** A pool and the object that its mistakes are to be reported on. */
export interface BuiltPool {
  readonly pool: DiscoveredPool;
  readonly owner: { readonly kind: 'Service' | 'InferencePool'; readonly meta: ObjectMeta };
}

/** One serving address before ranks are laid out. */
interface ServingAddress {
  readonly ip: string;
  readonly port: number;
  readonly podName: string | null;
  readonly pod: PodObject | null;
  readonly takesRequests: boolean;
  readonly incarnation: string | null;
  /** Rank given by position (a targetPort of an InferencePool), else null. */
  readonly portRank: number | null;
}

const hostOf = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);

const matches = (pod: PodObject, namespace: string, selector: Readonly<Record<string, string>>): boolean => {
  const wanted = Object.entries(selector);
  return (
    wanted.length > 0 &&
    pod.meta.namespace === namespace &&
    wanted.every(([key, value]) => pod.meta.labels[key] === value)
  );
};

const incarnationOf = (uid: string | null, pod: PodObject | null): string | null =>
  pod === null ? uid : `${pod.meta.uid}/${pod.restarts}`;

/** The slice port that serves the API: by the Service port's name, by number, else the only one. */
const servingPort = (service: ServiceObject, slice: EndpointSliceObject, wanted: string | null): number | null => {
  const asNumber = wanted !== null && /^\d+$/.test(wanted) ? Number(wanted) : null;
  const servicePort =
    wanted === null
      ? service.ports[0]
      : service.ports.find(({ name, port }) => (asNumber === null ? name === wanted : port === asNumber));
  if (servicePort !== undefined) {
    const port = slice.ports.find(({ name }) => name === servicePort.name) ?? slice.ports[0];
    return port?.port ?? null;
  }
  return asNumber;
};

/** IPv4 before IPv6, so that a dual-stack pod counts once. */
const byAddressType = (a: EndpointSliceObject, b: EndpointSliceObject): number =>
  a.addressType.localeCompare(b.addressType) || a.meta.name.localeCompare(b.meta.name);

const addressesOfService = (
  service: ServiceObject,
  state: ClusterState,
  annotations: PoolAnnotations,
): readonly ServingAddress[] => {
  const podsByUid = new Map(state.pods.map((pod) => [pod.meta.uid, pod]));
  const slices = state.slices
    .filter(
      ({ meta, addressType }) =>
        meta.namespace === service.meta.namespace &&
        meta.labels['kubernetes.io/service-name'] === service.meta.name &&
        addressType !== 'FQDN',
    )
    .sort(byAddressType);
  const seen = new Map<string, ServingAddress>();
  for (const slice of slices) {
    const port = servingPort(service, slice, annotations.port);
    if (port === null) continue;
    for (const endpoint of slice.endpoints) {
      const [ip] = endpoint.addresses;
      if (ip === undefined) continue;
      const pod = endpoint.podUid === null ? null : (podsByUid.get(endpoint.podUid) ?? null);
      const key = endpoint.podUid ?? ip;
      const takesRequests = endpoint.isReady && !endpoint.isTerminating;
      // An endpoint that moves between slices stands in both for a moment; the one that is ready counts.
      const other = seen.get(key);
      if (other !== undefined && (other.takesRequests || !takesRequests)) continue;
      seen.set(key, {
        ip,
        port,
        podName: endpoint.podName,
        pod,
        takesRequests,
        incarnation: incarnationOf(endpoint.podUid, pod),
        portRank: null,
      });
    }
  }
  return [...seen.values()];
};

const addressesOfInferencePool = (pool: InferencePoolObject, state: ClusterState): readonly ServingAddress[] =>
  state.pods
    .filter((pod) => matches(pod, pool.meta.namespace, pool.selector))
    .flatMap((pod) => {
      const [ip] = pod.addresses;
      if (ip === undefined) return [];
      return pool.targetPorts.map(
        (port, position): ServingAddress => ({
          ip,
          port,
          podName: pod.meta.name,
          pod,
          takesRequests: pod.isReady && !pod.isTerminating,
          incarnation: incarnationOf(pod.meta.uid, pod),
          portRank: pool.targetPorts.length > 1 ? position : null,
        }),
      );
    });

/** Endpoints of one serving address: one a data-parallel rank, event and replay ports growing with the rank. */
const layOutRanks = (
  address: ServingAddress,
  options: { readonly pool: PoolName; readonly annotations: PoolAnnotations },
): readonly DiscoveredEndpoint[] => {
  const { pool, annotations } = options;
  const overrides = address.pod === null ? null : parsePodAnnotations(address.pod.meta).values;
  const host = hostOf(address.ip);
  const served = `${host}:${overrides?.port ?? address.port}`;
  const firstRank = overrides?.rank ?? address.portRank ?? 0;
  const eventsPort = overrides?.eventsPort ?? annotations.eventsPort;
  const replayPort = overrides?.replayPort ?? annotations.replayPort;
  return Array.from({ length: annotations.dataParallelSize }, (_, position): DiscoveredEndpoint => {
    const rank = firstRank + position;
    const hasRanks = annotations.dataParallelSize > 1;
    const endpoint: Endpoint = {
      id: endpointId(`${pool}/${served}${hasRanks ? `#${rank}` : ''}`),
      name: `${address.podName ?? served}${hasRanks || address.portRank !== null ? `#${rank}` : ''}`,
      pool,
      address: served,
      rank,
      hasRanks,
      role: overrides?.role ?? 'both',
      engine: annotations.engine,
      eventsAddress: `tcp://${host}:${eventsPort + rank}`,
      replayAddress: replayPort === null ? null : `tcp://${host}:${replayPort + rank}`,
      metricsUrl: `http://${served}/metrics`,
    };
    return { endpoint, isTerminating: !address.takesRequests, incarnation: address.incarnation };
  });
};

const definitionOf = (name: PoolName, annotations: PoolAnnotations): PoolDefinition => ({
  name,
  models: annotations.models,
  engine: annotations.engine,
  tokenizer: annotations.tokenizer,
  eventsBind: null,
});

const podMistakes = (addresses: readonly ServingAddress[]): readonly string[] =>
  addresses.flatMap(({ pod }) =>
    pod === null ? [] : parsePodAnnotations(pod.meta).mistakes.map((mistake) => `pod ${pod.meta.name}: ${mistake}`),
  );

const joinPools = (built: readonly BuiltPool[]): readonly BuiltPool[] => {
  const byName = new Map<string, BuiltPool>();
  for (const next of built) {
    const { name } = next.pool.definition;
    const first = byName.get(name);
    if (first === undefined) {
      byName.set(name, next);
      continue;
    }
    const isSame = JSON.stringify(first.pool.definition) === JSON.stringify(next.pool.definition);
    const where = `${next.owner.kind} ${next.owner.meta.namespace}/${next.owner.meta.name}`;
    const known = new Set(first.pool.endpoints.map(({ endpoint }) => endpoint.id));
    byName.set(name, {
      owner: first.owner,
      pool: {
        definition: first.pool.definition,
        endpoints: [...first.pool.endpoints, ...next.pool.endpoints.filter(({ endpoint }) => !known.has(endpoint.id))],
        mistakes: [
          ...first.pool.mistakes,
          ...next.pool.mistakes,
          ...(isSame
            ? []
            : [`${where} defines pool "${name}" differently; its definition is ignored, its endpoints join`]),
        ],
      },
    });
  }
  return [...byName.values()];
};

/**
 * The pools that annotated Services and InferencePools make of a cluster's state. Pure. An InferencePool without
 * annotations is a pool under its own name where `takesEveryInferencePool` says so.
 */
export const buildPools = (
  state: ClusterState,
  options: { readonly takesEveryInferencePool: boolean },
): readonly BuiltPool[] => {
  const fromServices = state.services.flatMap((service): readonly BuiltPool[] => {
    const annotated = parsePoolAnnotations(service.meta);
    if (annotated === null) return [];
    const name = poolName(annotated.values.pool);
    const { port } = annotated.values;
    const hasPort =
      port === null || /^\d+$/.test(port) || service.ports.some(({ name: portName }) => portName === port);
    const values = hasPort ? annotated.values : { ...annotated.values, port: null };
    const addresses = addressesOfService(service, state, values);
    const mistakes = [
      ...annotated.mistakes,
      ...(hasPort ? [] : [`warmroute.dev/port: the Service has no port named "${port}"`]),
      ...podMistakes(addresses),
    ];
    const endpoints = addresses.flatMap((address) => layOutRanks(address, { pool: name, annotations: values }));
    const pool = { definition: definitionOf(name, values), endpoints, mistakes };
    return [{ pool, owner: { kind: 'Service', meta: service.meta } }];
  });
  const fromInferencePools = state.inferencePools.flatMap((inferencePool): readonly BuiltPool[] => {
    const { meta } = inferencePool;
    const annotated =
      parsePoolAnnotations(meta) ??
      (options.takesEveryInferencePool
        ? parsePoolAnnotations({ ...meta, annotations: { ...meta.annotations, 'warmroute.dev/pool': meta.name } })
        : null);
    if (annotated === null) return [];
    const name = poolName(annotated.values.pool);
    const addresses = addressesOfInferencePool(inferencePool, state);
    const endpoints = addresses.flatMap((address) =>
      layOutRanks(address, { pool: name, annotations: annotated.values }),
    );
    const mistakes = [...annotated.mistakes, ...podMistakes(addresses)];
    const pool = { definition: definitionOf(name, annotated.values), endpoints, mistakes };
    return [{ pool, owner: { kind: 'InferencePool', meta } }];
  });
  return joinPools([...fromServices, ...fromInferencePools]);
};
