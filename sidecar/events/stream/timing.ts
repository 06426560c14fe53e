/** Limits and waits of a stream. Times in milliseconds. */
export interface StreamTiming {
  /** A replay without a frame for this long is asked for again. */
  readonly replayIdleMs: number;
  /** Tries in a row without a new batch, after which a replay is given up. */
  readonly replayTries: number;
  /** First wait between two tries; doubled up to the cap, with jitter. */
  readonly replayBackoffMs: number;
  readonly replayBackoffCapMs: number;
  /** After a replay was given up none is begun for this long. */
  readonly replayCooldownMs: number;
  /** Time without a connection, or without an event that is due, after which a stream is stale. */
  readonly staleAfterMs: number;
  /** A stream that was busy and has been quiet for this long is checked once, so that a lost last batch is found. */
  readonly quietCheckMs: number;
  /** Longest time between two such checks, busy or not; also how long a restart behind a proxy can go unnoticed. */
  readonly regularCheckMs: number;
  /** Live batches kept while earlier ones are fetched. */
  readonly maxQueuedBatches: number;
  readonly maxQueuedBytes: number;
  /** Blocks with an unknown parent kept aside, and for how long. */
  readonly maxOrphanBlocks: number;
  readonly maxOrphanAgeMs: number;
}

/** Defaults; those of replays are what vLLM's publisher thread bears well (it answers within 100 ms when idle). */
export const defaultTiming: StreamTiming = {
  replayIdleMs: 2_000,
  replayTries: 3,
  replayBackoffMs: 100,
  replayBackoffCapMs: 2_000,
  replayCooldownMs: 30_000,
  staleAfterMs: 5_000,
  quietCheckMs: 5_000,
  regularCheckMs: 30_000,
  maxQueuedBatches: 10_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxOrphanBlocks: 4_096,
  maxOrphanAgeMs: 600_000,
};
