import type { Clock } from '../core/index.ts';

/** Time that jumps from one action to the next. */
export interface SimulatedClock extends Clock {
  /** Moves on to the next action, of equal instants the one scheduled first, and runs it; false where there is none. */
  step(): boolean;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | null;
}

const isBefore = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Timers as a binary heap, the next one in front. */
class TimerHeap {
  readonly #timers: Timer[] = [];

  push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.length;
    timers.push(timer);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = timers[above];
      if (parent === undefined || !isBefore(timer, parent)) break;
      timers[at] = parent;
      at = above;
    }
    timers[at] = timer;
  }

  pop(): Timer | undefined {
    const timers = this.#timers;
    const [first] = timers;
    const last = timers.pop();
    if (last === undefined || last === first) return first;
    let at = 0;
    for (;;) {
      const left = timers[2 * at + 1];
      const right = timers[2 * at + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, last)) break;
      timers[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    timers[at] = last;
    return first;
  }
}

/**
 * Creates a clock at `now` 0 and `wallNow` 0 whose time passes only by `step`. An action takes no time; what it schedules
 * counts from its own instant. O(log timers) an action.
 */
export const createSimulatedClock = (): SimulatedClock => {
  const timers = new TimerHeap();
  let nowMs = 0;
  let scheduled = 0;
  return {
    now: () => nowMs,
    wallNow: () => nowMs,
    schedule: (delayMs, action) => {
      const timer: Timer = { atMs: nowMs + Math.max(0, delayMs), order: scheduled++, action };
      timers.push(timer);
      return () => {
        timer.action = null;
      };
    },
    step: () => {
      for (;;) {
        const timer = timers.pop();
        if (timer === undefined) return false;
        const { action } = timer;
        if (action === null) continue;
        nowMs = timer.atMs;
        action();
        return true;
      }
    },
  };
};
