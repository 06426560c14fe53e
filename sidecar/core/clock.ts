/** Time as an argument. All instants are milliseconds; `now` counts from an arbitrary start and never goes back. */
export interface Clock {
  /** Monotonic milliseconds, fractional. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  wallNow(): number;
  /**
   * Runs `action` once, when `now` has grown by at least `delayMs`; the returned function cancels it. Does not keep the
   * process alive.
   */
  schedule(delayMs: number, action: () => void): () => void;
}

/** Longest time that a timer of Node can wait. */
const longestTimerMs = 2 ** 31 - 1;

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  schedule: (delayMs, action) => {
    const dueMs = performance.now() + delayMs;
    let timer: ReturnType<typeof setTimeout>;
    // Node counts from when the turn of the event loop began, and in whole milliseconds: a timer may come early.
    const wait = (restMs: number): void => {
      timer = setTimeout(fire, Math.min(Math.ceil(restMs), longestTimerMs));
      timer.unref();
    };
    const fire = (): void => {
      const restMs = dueMs - performance.now();
      if (restMs > 0) wait(restMs);
      else action();
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it is aborted. */
export const delay = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
