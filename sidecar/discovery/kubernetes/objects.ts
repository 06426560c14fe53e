/**
 * The parts of Kubernetes objects that discovery reads, narrowed from what an API server sends. Field names are those of
 * core/v1, discovery.k8s.io/v1 and inference.networking.k8s.io/v1 (v1alpha2 of x-k8s.io is read into the same shape).
 */

/** Prefix of every annotation that is ours. */
export const ANNOTATION_PREFIX = 'warmroute.dev/';

/** Identity, labels and our annotations of any object. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Time stamp as written, which sorts as text; empty where there is none. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only those that begin with {@link ANNOTATION_PREFIX}: others may be long and are never read. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A Service's ports and selector. */
export interface ServiceObject {
  readonly kind: 'Service';
  readonly meta: ObjectMeta;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/** One endpoint of a slice. Absent conditions are filled in by the API's rules. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  readonly podName: string | null;
  readonly podUid: string | null;
}

/** An EndpointSlice. */
export interface EndpointSliceObject {
  readonly kind: 'EndpointSlice';
  readonly meta: ObjectMeta;
  readonly addressType: string;
  readonly ports: readonly { readonly name: string; readonly port: number | null }[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** A Pod's life and address. */
export interface PodObject {
  readonly kind: 'Pod';
  readonly meta: ObjectMeta;
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** True once every container has ended for good: the Pod object stays, its address is free. */
  readonly isFinished: boolean;
  /** Restarts of all containers together. */
  readonly restarts: number;
}

/** An InferencePool of either API version. */
export interface InferencePoolObject {
  readonly kind: 'InferencePool';
  readonly apiVersion: string;
  readonly meta: ObjectMeta;
  readonly selector: Readonly<Record<string, string>>;
  readonly targetPorts: readonly number[];
}

export type KubernetesObject = ServiceObject | EndpointSliceObject | PodObject | InferencePoolObject;

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const json = (value: unknown): Json => (isJson(value) ? value : {});
const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

const texts = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(json(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

const ours = (annotations: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(texts(annotations)).filter(([key]) => key.startsWith(ANNOTATION_PREFIX)));

const readMeta = (value: unknown): ObjectMeta => {
  const { name, namespace, uid, creationTimestamp, labels, annotations } = json(value);
  return {
    name: text(name),
    namespace: text(namespace),
    uid: text(uid),
    createdAt: text(creationTimestamp),
    labels: texts(labels),
    annotations: ours(annotations),
  };
};

/** Narrows a Service; missing parts become empty. */
export const readService = (value: unknown): ServiceObject => {
  const { metadata, spec } = json(value);
  const { selector, ports } = json(spec);
  return {
    kind: 'Service',
    meta: readMeta(metadata),
    selector: texts(selector),
    ports: items(ports).map((port) => ({ name: text(json(port)['name']), port: number(json(port)['port']) })),
  };
};

const readSliceEndpoint = (value: unknown): SliceEndpoint => {
  const { addresses, conditions, targetRef } = json(value);
  const { ready, terminating } = json(conditions);
  const target = json(targetRef);
  return {
    addresses: items(addresses).map(text),
    // An absent `ready` means ready; an absent `terminating` means not terminating.
    isReady: ready !== false,
    isTerminating: terminating === true,
    podName: target['kind'] === 'Pod' ? textOrNull(target['name']) : null,
    podUid: target['kind'] === 'Pod' ? textOrNull(target['uid']) : null,
  };
};

/** Narrows an EndpointSlice; missing parts become empty. */
export const readEndpointSlice = (value: unknown): EndpointSliceObject => {
  const { metadata, addressType, ports, endpoints } = json(value);
  return {
    kind: 'EndpointSlice',
    meta: readMeta(metadata),
    addressType: text(addressType),
    ports: items(ports).map((port) => {
      const { name, port: value } = json(port);
      return { name: text(name), port: typeof value === 'number' ? value : null };
    }),
    endpoints: items(endpoints).map(readSliceEndpoint),
  };
};

/** Narrows a Pod; a deletion time stamp makes it terminating. */
export const readPod = (value: unknown): PodObject => {
  const { metadata, status } = json(value);
  const { podIP, podIPs, phase, conditions, containerStatuses } = json(status);
  const all = items(podIPs).map((entry) => text(json(entry)['ip']));
  return {
    kind: 'Pod',
    meta: readMeta(metadata),
    addresses: (all.length > 0 ? all : [text(podIP)]).filter((address) => address !== ''),
    isReady: items(conditions).some((entry) => json(entry)['type'] === 'Ready' && json(entry)['status'] === 'True'),
    isTerminating: textOrNull(json(metadata)['deletionTimestamp']) !== null,
    isFinished: phase === 'Succeeded' || phase === 'Failed',
    restarts: items(containerStatuses).reduce<number>((sum, entry) => sum + number(json(entry)['restartCount']), 0),
  };
};

/**
 * Gives the reader of one API version's InferencePools: `spec.selector.matchLabels` and `targetPorts` of v1, or
 * v1alpha2's plain map and number.
 */
export const inferencePoolReader =
  (apiVersion: string) =>
  (value: unknown): InferencePoolObject => {
    const { metadata, spec } = json(value);
    const { selector, targetPorts, targetPortNumber } = json(spec);
    const { matchLabels } = json(selector);
    const ports = items(targetPorts).map((port) => number(json(port)['number']));
    return {
      kind: 'InferencePool',
      apiVersion,
      meta: readMeta(metadata),
      selector: isJson(matchLabels) ? texts(matchLabels) : texts(selector),
      targetPorts: ports.length > 0 ? ports : typeof targetPortNumber === 'number' ? [targetPortNumber] : [],
    };
  };
