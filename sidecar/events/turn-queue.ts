import type { Clock, Metrics } from '../core/index.ts';

/** Lets work on events take only a little of each turn of the event loop, so that decisions come in between. */
export interface TurnQueue {
  /** Whether this turn has time left, the running job's so far taken off, and nothing waits before. */
  hasTime(): boolean;
  /**
   * Runs `job` now if this turn has time left, else in a later turn, in the order of asking. Resolves once it has run; a
   * job that throws rejects its own promise only.
   */
  run(job: () => void): Promise<void>;
  /** Jobs waiting for a later turn. */
  readonly waiting: number;
}

/** How a {@link TurnQueue} is set up. */
export interface TurnQueueOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Time a turn, default 0.5 ms: one batch more may begin just before it is over, and a large one takes 1 to 2 ms. */
  readonly budgetMs?: number;
  /** Calls its argument in the next turn, after pending input and output; `setImmediate` unless told otherwise. */
  readonly nextTurn?: (action: () => void) => void;
}

interface Waiting {
  readonly job: () => void;
  readonly resolve: () => void;
  readonly reject: (failure: unknown) => void;
}

/** Creates a queue, meant to be shared by all streams of the process. */
export const createTurnQueue = (options: TurnQueueOptions): TurnQueue => {
  const { clock, metrics, budgetMs = 0.5, nextTurn = (action) => void setImmediate(action) } = options;
  const waiting: Waiting[] = [];
  let spentMs = 0;
  let runningSinceMs: number | null = null;
  let isTurnMarked = false;

  const hasTime = (): boolean => {
    const runningMs = runningSinceMs === null ? 0 : clock.now() - runningSinceMs;
    return spentMs + runningMs < budgetMs && waiting.length === 0;
  };

  const markTurn = (): void => {
    if (isTurnMarked) return;
    isTurnMarked = true;
    nextTurn(endTurn);
  };

  const timed = (job: () => void): void => {
    runningSinceMs = clock.now();
    try {
      job();
    } finally {
      spentMs += clock.now() - runningSinceMs;
      runningSinceMs = null;
      markTurn();
    }
  };

  const endTurn = (): void => {
    metrics.observe('event_turn_seconds', spentMs / 1000);
    isTurnMarked = false;
    spentMs = 0;
    while (spentMs < budgetMs) {
      const next = waiting.shift();
      if (next === undefined) return;
      try {
        timed(next.job);
        next.resolve();
      } catch (failure) {
        next.reject(failure);
      }
    }
    if (waiting.length > 0) markTurn();
  };

  return {
    hasTime,
    run: (job) => {
      if (runningSinceMs !== null || !hasTime()) {
        markTurn();
        return new Promise((resolve, reject) => waiting.push({ job, resolve, reject }));
      }
      return new Promise((resolve) => {
        timed(job);
        resolve();
      });
    },
    get waiting() {
      return waiting.length;
    },
  };
};
