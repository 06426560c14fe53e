import { type Clock, type Logger, type Random, SidecarError } from '../../core/index.ts';
import { describeFinding, type Finding } from '../finding.ts';
import type { DiscoveredPool, Discovery } from '../port.ts';
import type { KubernetesApi } from './api.ts';
import { type FollowedResources, followResources, type InferencePoolVersion } from './followed-resources.ts';
import { createMistakeReporter } from './mistake-reporter.ts';
import { ownerText } from './owned-pool.ts';
import { type AnnotatedObject, createPoolBuilder } from './pool-builder.ts';
import { keepUnchanged } from './unchanged-pools.ts';

/** Where and what to look for. */
export interface KubernetesDiscoveryOptions {
  /** Namespaces to look in, given the credentials' own; null: the whole cluster (needs a ClusterRole). */
  readonly namespacesOf: (own: string | null) => readonly string[] | null;
  /** API versions of InferencePools to read; empty: none are read. */
  readonly inferencePools: readonly InferencePoolVersion[];
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

const findingsOfObject = ({ owner, mistakes, finding }: AnnotatedObject): readonly Finding[] => {
  const subject = ownerText(owner);
  const mend = `correct it: kubectl -n ${owner.meta.namespace} edit ${owner.kind.toLowerCase()} ${owner.meta.name}`;
  const mistaken = mistakes.map((problem): Finding => ({ code: 'mistaken-annotation', subject, problem, mend }));
  return finding === null ? mistaken : [...mistaken, finding];
};

/**
 * Finds pools through annotated Services with their EndpointSlices and Pods, and through InferencePools. While the API
 * server is away, what was known last stays, and `findings()` says what is wrong. A pool or endpoint that did not change is
 * the same object in the next notice. Starting fails with `unavailable` where the first look is not complete in time;
 * `details.mistakes` then holds the findings.
 */
export const createKubernetesDiscovery = (options: KubernetesDiscoveryOptions): Discovery => {
  const { clock, logger, gatherMs = 50, startTimeoutMs = 30_000 } = options;
  const build = createPoolBuilder(options);
  let resources: FollowedResources | null = null;
  let hasSynced = false;
  let pools: readonly DiscoveredPool[] = [];
  let objects: readonly AnnotatedObject[] = [];

  const serverFindings = (): readonly Finding[] => resources?.findings() ?? [];

  const awaitFirstLook = async (started: Promise<void>): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const cancel = clock.schedule(startTimeoutMs, () => {
      const details = { mistakes: serverFindings().map(describeFinding) };
      late.reject(new SidecarError('unavailable', `Kubernetes could not be read in ${startTimeoutMs} ms`, { details }));
    });
    try {
      await Promise.race([started, late.promise]);
    } finally {
      cancel();
    }
  };

  return {
    start: async (signal, onChange) => {
      const api = await options.createApi();
      signal.throwIfAborted();
      const reporter = createMistakeReporter({ api, clock, logger, signal });
      let isGathering = false;
      const rebuild = (following: FollowedResources): boolean => {
        const built = build(following.state());
        ({ objects } = built);
        reporter.report(objects);
        const next = keepUnchanged(pools, built.pools);
        const isChanged = next !== pools;
        pools = next;
        return isChanged;
      };
      const following = followResources({
        ...options,
        api,
        namespaces: options.namespacesOf(api.ownNamespace),
        onChange: () => {
          if (isGathering || !hasSynced) return;
          isGathering = true;
          clock.schedule(gatherMs, () => {
            isGathering = false;
            if (!signal.aborted && rebuild(following)) onChange(pools);
          });
        },
      });
      resources = following;
      await awaitFirstLook(following.start(signal));
      hasSynced = true;
      rebuild(following);
      onChange(pools);
    },
    condition: () => {
      const wrong = serverFindings();
      if (!hasSynced) return { isHealthy: false, detail: wrong.map(describeFinding).join('; ') || 'not read yet' };
      return wrong.length === 0
        ? { isHealthy: true, detail: 'watching' }
        : { isHealthy: false, detail: wrong.map(describeFinding).join('; ') };
    },
    findings: () => [...serverFindings(), ...objects.flatMap(findingsOfObject)],
  };
};
