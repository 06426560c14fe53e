import type { Clock, Random } from '../core/index.ts';

/** Runs one task over and over, never twice at a time. */
export interface Poller {
  /** Runs the task at once, or once more as soon as the run in progress ends. */
  kick(): void;
  /** No run begins after this; the one in progress is aborted. */
  stop(): void;
}

/** How a task is repeated. */
export interface PollerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** From the beginning of one run to that of the next; asked anew each time, drawn from within a tenth of it. */
  readonly intervalMs: () => number;
  /** Wait before the first run: any time up to this, so that many pollers do not run in step. */
  readonly firstWithinMs: number;
  /** The task; must not reject. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Starts repeating a task. A run that takes longer than the interval is followed by the next at once. */
export const startPoller = (options: PollerOptions): Poller => {
  const { clock, random, intervalMs, run } = options;
  const stopping = new AbortController();
  let isRunning = false;
  let isKicked = false;

  const runOnce = async (): Promise<void> => {
    isRunning = true;
    isKicked = false;
    const startedMs = clock.now();
    await run(stopping.signal);
    isRunning = false;
    if (stopping.signal.aborted) return;
    const nextMs = startedMs + intervalMs() * (0.9 + 0.2 * random()) - clock.now();
    cancel = clock.schedule(isKicked ? 0 : Math.max(0, nextMs), begin);
  };
  const begin = (): void => {
    void runOnce();
  };

  let cancel = clock.schedule(random() * options.firstWithinMs, begin);
  return {
    kick: () => {
      if (isRunning) isKicked = true;
      else if (!stopping.signal.aborted) {
        cancel();
        cancel = clock.schedule(0, begin);
      }
    },
    stop: () => {
      cancel();
      stopping.abort();
    },
  };
};
