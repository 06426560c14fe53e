import type { Clock } from '../../sidecar/core/index.ts';

/** A clock that stands still until told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves time on by `byMs`, running each due action at its own instant, in order of instant, then of scheduling. Between
   * actions and at the end it lets pending promise callbacks run, so that code behind an `await` goes on.
   */
  advance(byMs: number): Promise<void>;
  /** Moves time on by `byMs` and runs due actions without letting promise callbacks run in between. */
  advanceSync(byMs: number): void;
  /** Actions scheduled and not yet run nor cancelled. */
  readonly pending: number;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** Lets every promise callback that is ready, and those they make ready, run. */
const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Creates a clock at `now` 0 (or `startMs`); `wallNow` counts from `wallStartMs`, by default 2026-01-01T00:00:00Z. */
export const createFakeClock = (
  options: { readonly startMs?: number; readonly wallStartMs?: number } = {},
): FakeClock => {
  const startMs = options.startMs ?? 0;
  const wallStartMs = options.wallStartMs ?? Date.UTC(2026, 0, 1);
  const timers = new Set<Timer>();
  let nowMs = startMs;
  let scheduled = 0;

  const takeNext = (untilMs: number): Timer | null => {
    let next: Timer | null = null;
    for (const timer of timers) {
      if (timer.atMs > untilMs) continue;
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    }
    if (next !== null) timers.delete(next);
    return next;
  };

  const runOne = (untilMs: number): boolean => {
    const timer = takeNext(untilMs);
    if (timer === null) return false;
    nowMs = Math.max(nowMs, timer.atMs);
    timer.action();
    return true;
  };

  return {
    now: () => nowMs,
    wallNow: () => wallStartMs + nowMs - startMs,
    schedule: (delayMs, action) => {
      const timer: Timer = { atMs: nowMs + Math.max(0, delayMs), order: scheduled++, action };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance: async (byMs) => {
      const untilMs = nowMs + byMs;
      await settlePromises();
      while (runOne(untilMs)) await settlePromises();
      nowMs = untilMs;
    },
    advanceSync: (byMs) => {
      const untilMs = nowMs + byMs;
      while (runOne(untilMs));
      nowMs = untilMs;
    },
    get pending() {
      return timers.size;
    },
  };
};
