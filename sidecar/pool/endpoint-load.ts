import type { Endpoint } from '../core/index.ts';
import { type EngineFigures, type EngineReport, emptyFigures } from './engine-figures.ts';
import type { EndpointLoad } from './snapshot.ts';

/** When a scrape was sent and read, by the clock's `now`. */
export interface ScrapeTimes {
  readonly sentAtMs: number;
  readonly readAtMs: number;
}

const add = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : a + b);

const mergeTwo = (a: EngineFigures, b: EngineFigures): EngineFigures => ({
  running: add(a.running, b.running),
  waiting: add(a.waiting, b.waiting),
  kvUsage: add(a.kvUsage, b.kvUsage),
  kvCapacityTokens: add(a.kvCapacityTokens, b.kvCapacityTokens),
  blockSize: a.blockSize ?? b.blockSize,
  prefixCachingEnabled: a.prefixCachingEnabled ?? b.prefixCachingEnabled,
  processStartSeconds: a.processStartSeconds ?? b.processStartSeconds,
  isAsleep: a.isAsleep === null || b.isAsleep === null ? (a.isAsleep ?? b.isAsleep) : a.isAsleep && b.isAsleep,
  prefixCacheQueries: add(a.prefixCacheQueries, b.prefixCacheQueries),
  prefixCacheHits: add(a.prefixCacheHits, b.prefixCacheHits),
  firstTokens: add(a.firstTokens, b.firstTokens),
  finishedRequests: add(a.finishedRequests, b.finishedRequests),
});

/** All ranks as one engine: counts added up, cache usage averaged. */
const mergeAll = ({ ranks, unranked }: EngineReport): EngineFigures => {
  const merged = [...ranks.values()].reduce(mergeTwo, emptyFigures());
  const kvUsage = merged.kvUsage === null ? null : merged.kvUsage / ranks.size;
  return mergeTwo({ ...merged, kvUsage }, unranked);
};

/**
 * The load of one endpoint out of its engine's report: its own rank's figures where the address serves several ranks,
 * else all ranks together. Null where the report says neither how many requests run nor how many wait.
 */
export const loadOf = (
  endpoint: Pick<Endpoint, 'rank' | 'hasRanks'>,
  report: EngineReport,
  times: ScrapeTimes,
): EndpointLoad | null => {
  const figures = endpoint.hasRanks ? report.ranks.get(endpoint.rank) : mergeAll(report);
  if (figures === undefined || (figures.running === null && figures.waiting === null)) return null;
  return Object.freeze({
    ...figures,
    running: figures.running ?? 0,
    waiting: figures.waiting ?? 0,
    kvUsage: Math.min(1, Math.max(0, figures.kvUsage ?? 0)),
    isAsleep: figures.isAsleep ?? false,
    processStartSeconds: figures.processStartSeconds ?? report.unranked.processStartSeconds,
    ...times,
  });
};

/** How a scrape shows that another process answers than the one before. */
export type LoadRestartSign = 'process-start' | 'counters';

/**
 * What tells that the engine was started anew between two scrapes: a later start of its process, or, where engines do
 * not report that (several API servers or ranks behind one address), counters that went back. Null where nothing does.
 */
export const restartSign = (previous: EndpointLoad, next: EndpointLoad): LoadRestartSign | null => {
  const { processStartSeconds } = previous;
  if (processStartSeconds !== null && next.processStartSeconds !== null) {
    return next.processStartSeconds > processStartSeconds ? 'process-start' : null;
  }
  const wentBack = (before: number | null, after: number | null): boolean =>
    before !== null && after !== null && after < before;
  return wentBack(previous.prefixCacheQueries, next.prefixCacheQueries) ||
    wentBack(previous.firstTokens, next.firstTokens)
    ? 'counters'
    : null;
};
