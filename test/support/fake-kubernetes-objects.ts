/** An object as an API server holds it. */
export interface StoredObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly creationTimestamp?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** Collections of the cluster-wide paths that discovery follows. */
export const collections = {
  services: '/api/v1/services',
  pods: '/api/v1/pods',
  slices: '/apis/discovery.k8s.io/v1/endpointslices',
  inferencePools: '/apis/inference.networking.k8s.io/v1/inferencepools',
} as const;

/** A Service of namespace llm with the given annotations (without prefix) and ports. */
export const service = (
  name: string,
  options: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly name: string; readonly port: number }[];
    readonly namespace?: string;
    readonly createdAt?: string;
  } = {},
): StoredObject => ({
  metadata: {
    name,
    namespace: options.namespace ?? 'llm',
    uid: `service-${options.namespace ?? 'llm'}-${name}`,
    creationTimestamp: options.createdAt ?? '2026-01-01T00:00:00Z',
    annotations: Object.fromEntries(
      Object.entries(options.annotations ?? { pool: name }).map(([key, value]) => [`warmroute.dev/${key}`, value]),
    ),
  },
  spec: { selector: { app: name }, ports: options.ports ?? [{ name: 'http', port: 80 }] },
});

/** An EndpointSlice of a Service with ready endpoints unless a condition says otherwise. */
export const slice = (
  name: string,
  options: {
    readonly service: string;
    readonly namespace?: string;
    readonly addressType?: 'IPv4' | 'IPv6' | 'FQDN';
    readonly ports?: readonly { readonly name: string; readonly port: number }[];
    readonly endpoints: readonly {
      readonly ip: string;
      readonly pod?: string;
      readonly uid?: string;
      readonly ready?: boolean;
      readonly terminating?: boolean;
    }[];
  },
): StoredObject => ({
  metadata: {
    name,
    namespace: options.namespace ?? 'llm',
    uid: `slice-${name}`,
    labels: { 'kubernetes.io/service-name': options.service },
  },
  addressType: options.addressType ?? 'IPv4',
  ports: options.ports ?? [{ name: 'http', port: 8000 }],
  endpoints: options.endpoints.map(({ ip, pod, uid, ready, terminating }) => ({
    addresses: [ip],
    conditions: { ...(ready === undefined ? {} : { ready }), ...(terminating === undefined ? {} : { terminating }) },
    ...(pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod, uid: uid ?? `uid-${pod}` } }),
  })),
});

/** A ready Pod of namespace llm. */
export const pod = (
  name: string,
  options: {
    readonly ip: string;
    readonly app?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ready?: boolean;
    readonly restarts?: number;
    readonly phase?: string;
    readonly uid?: string;
    readonly deletionTimestamp?: string;
  },
): StoredObject => ({
  metadata: {
    name,
    namespace: 'llm',
    uid: options.uid ?? `uid-${name}`,
    labels: { app: options.app ?? 'qwen' },
    annotations: Object.fromEntries(
      Object.entries(options.annotations ?? {}).map(([key, value]) => [`warmroute.dev/${key}`, value]),
    ),
    ...(options.deletionTimestamp === undefined ? {} : { deletionTimestamp: options.deletionTimestamp }),
  },
  status: {
    phase: options.phase ?? 'Running',
    podIP: options.ip,
    conditions: [{ type: 'Ready', status: options.ready === false ? 'False' : 'True' }],
    containerStatuses: [{ restartCount: options.restarts ?? 0 }],
  },
});
