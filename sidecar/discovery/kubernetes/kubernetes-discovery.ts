import { type Clock, type Logger, type Random, SidecarError } from '../../core/index.ts';
import type { DiscoveredPool, Discovery } from '../port.ts';
import type { KubernetesApi } from './api.ts';
import { type BuiltPool, buildPools } from './build-pools.ts';
import { createMistakeReporter } from './mistake-reporter.ts';
import {
  type EndpointSliceObject,
  type InferencePoolObject,
  type KubernetesObject,
  type PodObject,
  readEndpointSlice,
  readInferencePool,
  readPod,
  readService,
  type ServiceObject,
} from './objects.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';

/** Where and what to look for. */
export interface KubernetesDiscoveryOptions {
  /** Namespaces to look in, given the credentials' own; null: the whole cluster (needs a ClusterRole). */
  readonly namespacesOf: (own: string | null) => readonly string[] | null;
  /** API versions of InferencePools to read; empty: none are read. */
  readonly inferencePools: readonly ('v1' | 'v1alpha2')[];
  /** Whether InferencePools without annotations are pools too. */
  readonly takesEveryInferencePool: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Made at start, so that the client library is loaded only when it is needed. */
  readonly createApi: () => Promise<KubernetesApi>;
  /** Pause in which changes are gathered into one notice. */
  readonly gatherMs?: number;
  /** How long the first look may take before start fails. */
  readonly startTimeoutMs?: number;
}

interface Reflectors {
  readonly services: readonly Reflector<ServiceObject>[];
  readonly slices: readonly Reflector<EndpointSliceObject>[];
  readonly pods: readonly Reflector<PodObject>[];
  readonly inferencePools: readonly Reflector<InferencePoolObject>[];
}

const inferenceGroups = {
  v1: 'inference.networking.k8s.io/v1',
  v1alpha2: 'inference.networking.x-k8s.io/v1alpha2',
} as const;

const all = <Kind extends KubernetesObject>(reflectors: readonly Reflector<Kind>[]): readonly Kind[] =>
  reflectors.flatMap((reflector) => reflector.objects());

/**
 * Finds pools through annotated Services with their EndpointSlices and Pods, and through InferencePools. While the API
 * server is away, what was known last stays; `condition()` says what is wrong.
 */
export const createKubernetesDiscovery = (options: KubernetesDiscoveryOptions): Discovery => {
  const { clock, random, logger, gatherMs = 50, startTimeoutMs = 30_000 } = options;
  let reflectors: Reflectors = { services: [], slices: [], pods: [], inferencePools: [] };
  let everyReflector: readonly Reflector<KubernetesObject>[] = [];
  let hasSynced = false;

  const follow = <Kind extends KubernetesObject>(
    api: KubernetesApi,
    target: Pick<ReflectorOptions<Kind>, 'resource' | 'read' | 'query'> & { readonly group: string },
    onChange: () => void,
  ): readonly Reflector<Kind>[] => {
    const { group, resource, read, query = {} } = target;
    const root = group === 'v1' ? '/api/v1' : `/apis/${group}`;
    const namespaces = options.namespacesOf(api.ownNamespace) ?? [null];
    return namespaces.map((namespace) => {
      const scope = namespace === null ? '' : `/namespaces/${namespace}`;
      const path = `${root}${scope}/${resource}`;
      return createReflector<Kind>({ api, path, query, resource, read, onChange, clock, random, logger });
    });
  };

  const build = (): readonly BuiltPool[] =>
    buildPools(
      {
        services: all(reflectors.services),
        slices: all(reflectors.slices),
        pods: all(reflectors.pods),
        inferencePools: all(reflectors.inferencePools),
      },
      options,
    );

  const problems = (): readonly string[] =>
    everyReflector.map((reflector) => reflector.problem()).filter((text) => text !== null);

  return {
    start: async (signal, onChange: (pools: readonly DiscoveredPool[]) => void) => {
      const api = await options.createApi();
      const reporter = createMistakeReporter({ api, clock, logger, signal });
      let isGathering = false;
      const tell = (): void => {
        const built = build();
        reporter.report(built);
        onChange(built.map(({ pool }) => pool));
      };
      const gather = (): void => {
        if (isGathering || !hasSynced) return;
        isGathering = true;
        clock.schedule(gatherMs, () => {
          isGathering = false;
          if (!signal.aborted) tell();
        });
      };
      const serviceNameLabel = { labelSelector: 'kubernetes.io/service-name' };
      reflectors = {
        services: follow(api, { group: 'v1', resource: 'services', read: readService }, gather),
        slices: follow(
          api,
          {
            group: 'discovery.k8s.io/v1',
            resource: 'endpointslices',
            read: readEndpointSlice,
            query: serviceNameLabel,
          },
          gather,
        ),
        pods: follow(api, { group: 'v1', resource: 'pods', read: readPod }, gather),
        inferencePools: options.inferencePools.flatMap((version) =>
          follow(api, { group: inferenceGroups[version], resource: 'inferencepools', read: readInferencePool }, gather),
        ),
      };
      everyReflector = [...reflectors.services, ...reflectors.slices, ...reflectors.pods, ...reflectors.inferencePools];
      let cancelDeadline = () => {};
      const deadline = new Promise<never>((_, reject) => {
        cancelDeadline = clock.schedule(startTimeoutMs, () =>
          reject(
            new SidecarError('unavailable', `Kubernetes could not be read within ${startTimeoutMs} ms`, {
              details: { mistakes: problems() },
            }),
          ),
        );
      });
      try {
        await Promise.race([Promise.all(everyReflector.map((reflector) => reflector.start(signal))), deadline]);
      } finally {
        cancelDeadline();
      }
      hasSynced = true;
      tell();
    },
    condition: () => {
      const wrong = problems();
      if (!hasSynced) return { isHealthy: false, detail: wrong.join('; ') || 'not started' };
      return { isHealthy: wrong.length === 0, detail: wrong.length === 0 ? 'watching' : wrong.join('; ') };
    },
  };
};
