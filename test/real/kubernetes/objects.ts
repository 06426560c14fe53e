import type { KubeObject } from './kube-client.ts';

const prefixed = (annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`warmroute.dev/${key}`, value]));

/** A Service; annotations without prefix, by default a pool of its own name. */
export const service = (
  name: string,
  options: {
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: options.namespace, annotations: prefixed(options.annotations ?? { pool: name }) },
  spec: { selector: { app: name }, ports: options.ports ?? [{ name: 'http', port: 80 }] },
});

/** One endpoint of a slice. */
export interface EndpointSpec {
  readonly ip: string;
  readonly pod?: string;
  readonly uid?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

/** An EndpointSlice, as the controller writes it. */
export const slice = (
  name: string,
  options: {
    readonly namespace: string;
    readonly service: string;
    readonly addressType?: 'IPv4' | 'IPv6';
    readonly ports?: readonly { readonly name: string; readonly port: number }[];
    readonly endpoints: readonly EndpointSpec[];
  },
): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: options.namespace, labels: { 'kubernetes.io/service-name': options.service } },
  addressType: options.addressType ?? 'IPv4',
  ports: options.ports ?? [{ name: 'http', port: 8000 }],
  endpoints: options.endpoints.map(({ ip, pod, uid, ready = true, serving = ready, terminating = false }) => ({
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(pod === undefined
      ? {}
      : { targetRef: { kind: 'Pod', name: pod, namespace: options.namespace, uid: uid ?? `uid-${pod}` } }),
  })),
});

/** A Pod on a node that does not exist, with the status a kubelet would report. */
export const pod = (
  name: string,
  options: {
    readonly namespace: string;
    readonly ip: string;
    readonly app: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly restarts?: number;
    readonly ready?: boolean;
  },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: options.namespace,
    labels: { app: options.app },
    annotations: prefixed(options.annotations ?? {}),
  },
  spec: { nodeName: 'somewhere', containers: [{ name: 'vllm', image: 'vllm:1' }] },
  status: {
    phase: 'Running',
    podIP: options.ip,
    podIPs: [{ ip: options.ip }],
    conditions: [{ type: 'Ready', status: options.ready === false ? 'False' : 'True' }],
    containerStatuses: [
      { name: 'vllm', ready: true, restartCount: options.restarts ?? 0, image: 'vllm:1', imageID: '' },
    ],
  },
});
