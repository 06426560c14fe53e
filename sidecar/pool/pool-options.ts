import type { Clock, Logger, Metrics, PoolName, Random } from '../core/index.ts';
import type { HttpGet } from './http-get.ts';

/** What a pool works with; times have the defaults of {@link poolDefaults}. */
export interface PoolOptions {
  readonly name: PoolName;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Reads engines' `/metrics`, `/v1/models` and `/health`; may be shared by pools. */
  readonly get: HttpGet;
  /** From the beginning of one scrape to that of the next, drawn from within a tenth of it. */
  readonly scrapeIntervalMs?: number;
  /** Time an engine has for an answer to a scrape, a probe or a question for its models. */
  readonly timeoutMs?: number;
  /** Scrapes missed in a row before an endpoint's load counts as unknown. */
  readonly staleAfterMisses?: number;
  readonly modelsIntervalMs?: number;
  /** Wait before a failing address is probed, doubled each time up to the cap, of which a random half is cut. */
  readonly probe?: { readonly baseMs: number; readonly capMs: number };
}

/** Times where none are given. */
export const poolDefaults = {
  scrapeIntervalMs: 1000,
  timeoutMs: 2000,
  staleAfterMisses: 3,
  modelsIntervalMs: 30_000,
  probe: { baseMs: 500, capMs: 10_000 },
} as const;
