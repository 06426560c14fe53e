import { createDiscoveries, type NamedDiscovery } from '../../app/index.ts';
import type { Config } from '../../config/index.ts';
import { type Clock, silentLogger } from '../../core/index.ts';
import { createKubernetesApi, type DiscoveredPool, type Finding, type KubernetesApi } from '../../discovery/index.ts';
import { type Check, checksOf } from './check.ts';
import { type Look, lookOnce } from './look-once.ts';

/** A finding as a failed check, named by its code. */
export const findingCheck = ({ code, subject, problem, mend }: Finding): Check =>
  checksOf(subject).failed(code, problem, mend);

/** An API server's client that leaves the cluster as it is: mistakes are printed, not written as Events. */
const createReadingApi = async (): Promise<KubernetesApi> => ({
  ...(await createKubernetesApi()),
  create: async () => {},
});

const clusterCheck = ({ pools }: Look): Check => {
  const checks = checksOf('kubernetes');
  const endpoints = pools.reduce((count, pool) => count + pool.endpoints.length, 0);
  const detail = `${pools.length} pools, ${endpoints} endpoints`;
  if (pools.length > 0) return checks.passed('cluster-readable', detail);
  const mend =
    'kubectl annotate service NAME warmroute.dev/pool=NAME, on the Service in front of the engines, in a namespace of discovery.kubernetes.namespaces';
  return checks.failed('cluster-readable', `${detail}: nothing carries the annotation warmroute.dev/pool`, mend);
};

const checksOfLook = (look: Look): readonly Check[] => {
  const found = look.findings.map(findingCheck);
  return look.source === 'kubernetes' && look.isComplete ? [clusterCheck(look), ...found] : found;
};

/** Looks once at every source of pools that a configuration names. Of two pools of one name the later source's counts. */
export const examineSources = async (
  config: Config,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly pools: readonly DiscoveredPool[]; readonly checks: readonly Check[] }> => {
  const { clock } = options;
  const sources: readonly NamedDiscovery[] = createDiscoveries(config, {
    clock,
    random: Math.random,
    logger: silentLogger,
    createApi: createReadingApi,
  });
  const looks = await Promise.all(sources.map((source) => lookOnce(source, options)));
  const pools = new Map(looks.flatMap((look) => look.pools.map((pool) => [pool.definition.name, pool] as const)));
  return { pools: [...pools.values()], checks: looks.flatMap(checksOfLook) };
};
