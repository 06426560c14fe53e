import type { Clock, EndpointId, Logger, Metrics, PoolName } from '../core/index.ts';
import type { EndpointLoad } from '../pool/index.ts';
import { CounterAudit } from './audit-counters.ts';
import { type Expectation, sampleOf } from './audit-sample.ts';
import { AuditWindow, type Drift, type DriftCause } from './audit-window.ts';
import type { DecisionLog } from './decision-log.ts';
import type { ObservedUsage, RoutedDecision } from './types.ts';

/** What the audit knows of one endpoint, for the admin API and `doctor`. */
export interface AuditReport {
  /** Predictions compared with what the engine reported of the same request. */
  readonly requests: number;
  readonly exact: number;
  /** Tokens predicted that were not cached, and tokens cached that were not predicted. */
  readonly overTokens: number;
  readonly underTokens: number;
  /** Comparisons with the engine's own counters, for requests whose answers are not seen. */
  readonly counterChecks: number;
  /** Likely cause of misses beyond chance, else null. */
  readonly drift: DriftCause | null;
}

/** Compares what was predicted with what engines report, request by request or by their counters. */
export interface Audit {
  /** A decision was booked. */
  book(decision: RoutedDecision, expected: Expectation, observesResponse: boolean): void;
  /**
   * Its engine told what it found cached. Returns that: null where it is not known, 0 where the answer leaves it out but
   * earlier answers of the endpoint's same API had it, for vLLM up to 0.23 and SGLang write no zero.
   */
  observe(decision: RoutedDecision, expected: Expectation, usage: ObservedUsage): number | null;
  /**
   * An endpoint was scraped, or its load became unknown; `isQuiet`: no own request is in flight there. Scrapes count from
   * the first on: what the engine's counters say before the first request is what later ones are compared with.
   */
  observeLoad(
    endpoint: { readonly id: EndpointId; readonly pool: PoolName },
    scrape: { readonly load: EndpointLoad | null; readonly isQuiet: boolean },
  ): void;
  /** Whether an endpoint's predictions miss beyond chance; cheap enough for each decision. */
  driftOf(endpoint: EndpointId): Drift | null;
  report(endpoint: EndpointId): AuditReport;
  /** The endpoint is gone, or another process answers: what was seen says nothing about it. */
  forget(endpoint: EndpointId): void;
}

interface Entry {
  readonly pool: PoolName;
  readonly window: AuditWindow;
  readonly counters: CounterAudit;
  requests: number;
  exact: number;
  overTokens: number;
  underTokens: number;
  counterChecks: number;
  /** APIs whose answers had the figure of cached tokens. */
  readonly reportingApis: Set<Expectation['api']>;
  /** Cause last told to log and metrics. */
  told: DriftCause | null;
}

const emptyReport: AuditReport = {
  requests: 0,
  exact: 0,
  overTokens: 0,
  underTokens: 0,
  counterChecks: 0,
  drift: null,
};

/**
 * Creates the audit of all pools. Writes each comparison to the decision's record and to the metrics `predictions_total` and
 * `prediction_error_tokens_total`; begin and end of a drift to the log, `prediction_drifts_total` and
 * `prediction_drift_ratio`.
 */
export const createAudit = (options: {
  readonly log: DecisionLog;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}): Audit => {
  const { log, metrics, clock, logger } = options;
  const entries = new Map<EndpointId, Entry>();

  const entryOf = (endpoint: EndpointId, pool: PoolName): Entry => {
    let entry = entries.get(endpoint);
    if (entry === undefined) {
      const window = new AuditWindow();
      const counters = new CounterAudit();
      const zero = { requests: 0, exact: 0, overTokens: 0, underTokens: 0, counterChecks: 0, told: null };
      entry = { pool, window, counters, reportingApis: new Set(), ...zero };
      entries.set(endpoint, entry);
    }
    return entry;
  };

  const driftIn = (entry: Entry): Drift | null => entry.window.drift(clock.now()) ?? entry.counters.drift;

  const tellDrift = (endpoint: EndpointId, entry: Entry): void => {
    const drift = driftIn(entry);
    const cause = drift?.cause ?? null;
    const labels = { pool: entry.pool, endpoint };
    if (drift !== null || entry.told !== null) {
      metrics.gauge('prediction_drift_ratio', drift?.missingShare ?? 0, labels);
    }
    if (cause === entry.told) return;
    entry.told = cause;
    if (drift === null) {
      logger.info('predictions are right again', { endpoint });
      return;
    }
    metrics.count('prediction_drifts_total', { ...labels, cause: drift.cause });
    logger.warn('predictions miss what engine reports', { endpoint, likelyCause: cause, share: drift.missingShare });
  };

  return {
    book: ({ endpoint, pool }, { promptTokens, cachedTokens }, observesResponse) =>
      entryOf(endpoint.id, pool).counters.book({ promptTokens, predicted: cachedTokens, observesResponse }),
    observe: ({ id, pool, endpoint, reason }, expected, usage) => {
      const { cachedTokens: predicted, promptTokens, api } = expected;
      const entry = entryOf(endpoint.id, pool);
      if (usage.cachedTokens !== null) entry.reportingApis.add(api);
      const actual = usage.cachedTokens ?? (entry.reportingApis.has(api) ? 0 : null);
      log.amend(id, { actualCachedTokens: actual });
      if (promptTokens !== null && promptTokens !== usage.promptTokens) {
        metrics.count('prompt_token_mismatches_total', { pool });
      }
      if (predicted === null || actual === null) return actual;
      const observed = { actual, promptTokens: usage.promptTokens };
      const sample = sampleOf({ ...expected, cachedTokens: predicted }, observed);
      const { missReason } = sample;
      const errorTokens = predicted - actual;
      const outcome = errorTokens === 0 ? 'exact' : errorTokens > 0 ? 'over' : 'under';
      metrics.count('predictions_total', { pool, reason, outcome });
      if (errorTokens !== 0) {
        const labels = { pool, outcome, reason: missReason ?? 'unexplained' };
        metrics.count('prediction_error_tokens_total', labels, Math.abs(errorTokens));
      }
      if (missReason !== null) log.amend(id, { missReason });
      entry.requests += 1;
      if (errorTokens === 0) entry.exact += 1;
      else if (errorTokens > 0) entry.overTokens += errorTokens;
      else entry.underTokens -= errorTokens;
      // What was doubted from the start proves nothing.
      const provesNothing = missReason === 'untrusted' || missReason === 'promised';
      if (provesNothing || (!expected.isFirm && missReason === null)) return actual;
      entry.window.add(sample, clock.now());
      tellDrift(endpoint.id, entry);
      return actual;
    },
    observeLoad: ({ id, pool }, { load, isQuiet }) => {
      // An endpoint that has gone has no load either, and is not to be remembered again.
      const entry = load === null ? entries.get(id) : entryOf(id, pool);
      if (entry === undefined) return;
      if (entry.counters.observe(load, isQuiet)) entry.counterChecks += 1;
      tellDrift(id, entry);
    },
    driftOf: (endpoint) => {
      const entry = entries.get(endpoint);
      return entry === undefined ? null : driftIn(entry);
    },
    report: (endpoint) => {
      const entry = entries.get(endpoint);
      if (entry === undefined) return emptyReport;
      const { requests, exact, overTokens, underTokens, counterChecks } = entry;
      return { requests, exact, overTokens, underTokens, counterChecks, drift: driftIn(entry)?.cause ?? null };
    },
    forget: (endpoint) => {
      const entry = entries.get(endpoint);
      if (entry === undefined) return;
      entries.delete(endpoint);
      if (entry.told !== null) metrics.gauge('prediction_drift_ratio', 0, { pool: entry.pool, endpoint });
    },
  };
};
