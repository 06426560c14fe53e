import type { Clock, Logger, Random } from '../../core/index.ts';
import { describeFinding, type Finding } from '../finding.ts';
import type { ApiQuery, KubernetesApi } from './api.ts';
import type { ClusterState } from './cluster-view.ts';
import { inferencePoolReader, type KubernetesObject, readEndpointSlice, readPod, readService } from './objects.ts';
import { createReflector, type Reflector } from './reflector.ts';

/** API versions of InferencePools that can be read. */
export type InferencePoolVersion = 'v1' | 'v1alpha2';

/** Copies of all the objects that pools are made of. */
export interface FollowedResources {
  /** Resolves after the first complete list of every resource. */
  start(signal: AbortSignal): Promise<void>;
  state(): ClusterState;
  /** What is wrong with any of them, in a fixed order, each once. */
  findings(): readonly Finding[];
}

const inferencePoolGroups: Readonly<Record<InferencePoolVersion, string>> = {
  v1: 'inference.networking.k8s.io',
  v1alpha2: 'inference.networking.x-k8s.io',
};

/** Joins arrays; gives the same array again while none of them changes. */
const createJoin = <Item>(sources: readonly { objects(): readonly Item[] }[]): (() => readonly Item[]) => {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return () => only.objects();
  let parts: readonly (readonly Item[])[] = [];
  let joined: readonly Item[] = [];
  return () => {
    const next = sources.map((source) => source.objects());
    if (next.length !== parts.length || next.some((part, position) => part !== parts[position])) {
      parts = next;
      joined = next.flat();
    }
    return joined;
  };
};

/** Creates followers of Services, EndpointSlices, Pods and InferencePools. Opens nothing before `start`. */
export const followResources = (options: {
  readonly api: KubernetesApi;
  /** Null: the whole cluster. */
  readonly namespaces: readonly string[] | null;
  readonly inferencePools: readonly InferencePoolVersion[];
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): FollowedResources => {
  const { namespaces, inferencePools, ...shared } = options;
  const everyReflector: Reflector<KubernetesObject>[] = [];

  const follow = <Kind extends KubernetesObject>(target: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly read: (value: unknown) => Kind;
    readonly query?: ApiQuery;
  }): readonly Reflector<Kind>[] => {
    const { group, version, resource, read, query = {} } = target;
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const scopes: readonly (string | null)[] = namespaces ?? [null];
    const reflectors = scopes.map((namespace) => {
      const path = `${root}${namespace === null ? '' : `/namespaces/${namespace}`}/${resource}`;
      return createReflector<Kind>({ ...shared, path, query, asked: { resource, group, namespace }, read });
    });
    everyReflector.push(...reflectors);
    return reflectors;
  };

  const core = { group: '', version: 'v1' };
  const services = createJoin(follow({ ...core, resource: 'services', read: readService }));
  const slices = createJoin(
    follow({
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
      read: readEndpointSlice,
      // Slices of no Service are nobody's endpoints.
      query: { labelSelector: 'kubernetes.io/service-name' },
    }),
  );
  const pods = createJoin(follow({ ...core, resource: 'pods', read: readPod }));
  const everyInferencePool = createJoin(
    inferencePools.flatMap((version) => {
      const group = inferencePoolGroups[version];
      return follow({ group, version, resource: 'inferencepools', read: inferencePoolReader(`${group}/${version}`) });
    }),
  );

  return {
    start: async (signal) => void (await Promise.all(everyReflector.map((reflector) => reflector.start(signal)))),
    state: () => ({
      services: services(),
      slices: slices(),
      pods: pods(),
      inferencePools: everyInferencePool(),
    }),
    findings: () => {
      const found = everyReflector.map((reflector) => reflector.finding()).filter((finding) => finding !== null);
      return [...new Map(found.map((finding) => [describeFinding(finding), finding])).values()];
    },
  };
};
