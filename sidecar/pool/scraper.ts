import type { Clock, EngineKind, Metrics, PoolName, Random } from '../core/index.ts';
import type { ScrapeTimes } from './endpoint-load.ts';
import { type EngineReport, readEngineReport } from './engine-figures.ts';
import type { Followed } from './followed.ts';
import type { HttpGet } from './http-get.ts';
import { type Poller, startPoller } from './poller.ts';

/** What one scrape brought. `missesInRow` counts this one. */
export type ScrapeOutcome =
  | { readonly kind: 'report'; readonly report: EngineReport; readonly times: ScrapeTimes }
  | { readonly kind: 'miss'; readonly why: MissReason; readonly missesInRow: number };

/** Why a scrape brought nothing. */
type MissReason = 'unreachable' | 'timed-out' | 'broken' | 'bad-status' | 'no-figures';

/** How one metrics page is read. */
export interface ScraperOptions {
  readonly pool: PoolName;
  readonly url: string;
  readonly engine: EngineKind;
  readonly get: HttpGet;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly onOutcome: (outcome: ScrapeOutcome) => void;
}

type PageContent = Extract<ScrapeOutcome, { kind: 'report' }> | MissReason;

const saysSomething = ({ ranks, unranked }: EngineReport): boolean =>
  ranks.size > 0 || unranked.running !== null || unranked.waiting !== null;

/** Reads one metrics page at intervals, one request at a time; every rank behind it gets its figures from one scrape. */
export const createScraper = (options: ScraperOptions): Followed => {
  const { pool, url, engine, get, clock, random, metrics, timeoutMs } = options;
  let poller: Poller | null = null;
  let missesInRow = 0;

  const scrape = async (signal: AbortSignal): Promise<PageContent> => {
    const sentAtMs = clock.now();
    const answer = await get(url, { timeoutMs, signal });
    if (answer.kind !== 'answered') return answer.kind;
    const times = { sentAtMs, readAtMs: clock.now() };
    metrics.observe('scrape_duration_seconds', (times.readAtMs - sentAtMs) / 1000, { pool });
    if (answer.status !== 200) return 'bad-status';
    const report = readEngineReport(answer.text, engine);
    return saysSomething(report) ? { kind: 'report', report, times } : 'no-figures';
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    const content = await scrape(signal);
    if (signal.aborted) return;
    const isMiss = typeof content === 'string';
    metrics.count('scrapes_total', { pool, outcome: isMiss ? content : 'ok' });
    missesInRow = isMiss ? missesInRow + 1 : 0;
    options.onOutcome(isMiss ? { kind: 'miss', why: content, missesInRow } : content);
  };

  return {
    start: () => {
      const intervalMs = () => options.intervalMs;
      poller = startPoller({ clock, random, intervalMs, firstWithinMs: Math.min(100, options.intervalMs), run });
    },
    stop: () => poller?.stop(),
  };
};
