import type { Clock, Metrics } from '../core/index.ts';
import type { AdminSource, EndpointReport, FindingReport, PoolReport, ReadinessCondition } from '../gateway/index.ts';
import type { PrefixIndexReader } from '../kvindex/index.ts';
import type { MetricsRegistry } from '../metrics/index.ts';
import type { Audit, DecisionLog, Director } from '../routing/index.ts';
import type { PoolRuntime } from './pool-runtime.ts';

const endpointReports = (
  runtime: PoolRuntime,
  { clock, audit }: { readonly clock: Clock; readonly audit: Audit },
): readonly EndpointReport[] =>
  runtime.pool.snapshot().endpoints.map(({ endpoint, load, models }) => {
    const status = runtime.streams.status(endpoint.id);
    const trust = runtime.trustOf(endpoint.id);
    const holder = runtime.streams.holderOf(endpoint.id);
    const { requests, promptTokens, uncachedTokens } = runtime.routed.inFlight.work(endpoint.id);
    return {
      name: endpoint.name,
      address: endpoint.address,
      pool: endpoint.pool,
      models: models?.map(({ id }) => id) ?? [],
      rank: endpoint.rank,
      role: endpoint.role,
      trust: trust.trust,
      trustReason: trust.reason,
      blocks: holder === null ? 0 : runtime.index.blocksOf(holder),
      lastSequence: status?.lastSequence ?? null,
      eventLagMs: status?.eventLagMs ?? null,
      load:
        load === null
          ? null
          : { running: load.running, waiting: load.waiting, kvUsage: load.kvUsage, ageMs: clock.now() - load.readAtMs },
      inFlight: { requests, promptTokens, uncachedTokens },
      audit: audit.report(endpoint.id),
    };
  });

const observeIndex = (metrics: Metrics, { pool, index }: { pool: string; index: PrefixIndexReader }): void => {
  const { blocks, pairs, bytes, evictedBlocks } = index.stats();
  metrics.gauge('index_blocks', blocks, { pool });
  metrics.gauge('index_pairs', pairs, { pool });
  metrics.gauge('index_memory_bytes', bytes, { pool });
  metrics.gauge('index_evicted_blocks', evictedBlocks, { pool });
};

const poolReport = ({ routed, index, pool, encoderState, mistakes }: PoolRuntime): PoolReport => ({
  name: routed.name,
  models: routed.models,
  profile: routed.profile.name,
  endpoints: pool.snapshot().endpoints.length,
  blockSizes: index.blockSizes(),
  tokenizer: { path: routed.encoder()?.path ?? null, detail: encoderState().detail },
  mistakes: mistakes(),
});

/** Everything the admin edge shows, gathered from the rooms when it is asked. */
export const createAdminSource = (options: {
  readonly runtimes: () => readonly PoolRuntime[];
  readonly readiness: () => readonly ReadinessCondition[];
  readonly findings: () => readonly FindingReport[];
  readonly director: Director;
  readonly log: DecisionLog;
  readonly audit: Audit;
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  readonly dump: AdminSource['dump'];
  /** Brings figures up to date that are counted elsewhere. */
  readonly observe: () => void;
}): AdminSource => {
  const { runtimes, readiness, findings, director, log, audit, registry, clock, observe, dump } = options;
  return {
    readiness,
    dump,
    metrics: () => {
      observe();
      for (const { routed, index } of runtimes()) observeIndex(registry, { pool: routed.name, index });
      return registry.text();
    },
    endpoints: () => runtimes().flatMap((runtime) => endpointReports(runtime, { clock, audit })),
    decisions: (limit) => log.recent(limit),
    decision: (id) => log.get(id),
    explain: (request) => director.explain(request),
    pools: () => runtimes().map(poolReport),
    findings,
    index: () => runtimes().map(({ routed, index }) => ({ pool: routed.name, ...index.stats() })),
  };
};
