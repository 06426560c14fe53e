import type { Config } from '../config/index.ts';
import type { Clock, Logger, Random } from '../core/index.ts';
import {
  createKubernetesApi,
  createKubernetesDiscovery,
  createStaticDiscovery,
  type Discovery,
  type KubernetesApi,
} from '../discovery/index.ts';

/** A source of pools under the name it has in conditions. */
export interface NamedDiscovery {
  readonly name: string;
  readonly discovery: Discovery;
}

const namespacesOf = (
  configured: '*' | readonly string[] | undefined,
  own: string | null,
): readonly string[] | null => {
  if (configured === '*') return null;
  return configured ?? [own ?? 'default'];
};

/** The sources that a configuration names: its own static pools always, Kubernetes where it is configured. */
export const createDiscoveries = (
  config: Config,
  options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    /** Another client of the API server than the one that the environment names. */
    readonly createApi?: () => Promise<KubernetesApi>;
  },
): readonly NamedDiscovery[] => {
  const { kubernetes } = config.discovery;
  // A pool without a list of its own only says how one of the cluster is to be treated.
  const listed = config.pools.flatMap(({ discovery, ...pool }) =>
    discovery === undefined ? [] : [{ ...pool, discovery }],
  );
  const fixed: NamedDiscovery = { name: 'static', discovery: createStaticDiscovery(listed) };
  if (kubernetes === undefined) return [fixed];
  const logger = options.logger.child({ room: 'discovery' });
  const discovery = createKubernetesDiscovery({
    createApi: createKubernetesApi,
    ...options,
    logger,
    namespacesOf: (own) => namespacesOf(kubernetes.namespaces, own),
    inferencePools: kubernetes.inferencePools,
    takesEveryInferencePool: kubernetes.takesEveryInferencePool,
  });
  return [fixed, { name: 'kubernetes', discovery }];
};
