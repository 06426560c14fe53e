import type { EngineCore } from './engine-core.ts';

/** Counters of one rank since its last start. */
export interface EngineCounters {
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Tokens of all prompts whose computation has begun, and those of them that were found in the cache. */
  readonly prefixCacheQueries: number;
  readonly prefixCacheHits: number;
  readonly generationTokens: number;
  /** Times a running request had to give its blocks back. */
  readonly preemptions: number;
  readonly finishedRequests: number;
  readonly abortedRequests: number;
}

/** Reads a core's counters. */
export const countersOf = (core: EngineCore): EngineCounters => ({
  runningRequests: core.runningRequests,
  waitingRequests: core.waitingRequests,
  prefixCacheQueries: core.figures.prefixCacheQueries,
  prefixCacheHits: core.figures.prefixCacheHits,
  generationTokens: core.figures.generationTokens,
  preemptions: core.preemptions,
  finishedRequests: core.figures.finishedByLength,
  abortedRequests: core.figures.finishedByAbort,
});
