import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../sidecar/core/index.ts';

const scheduled = (delayMs: number): Promise<number> => {
  const startMs = systemClock.now();
  return new Promise((resolve) => {
    systemClock.schedule(delayMs, () => resolve(systemClock.now() - startMs));
  });
};

describe('the system clock', () => {
  it('runs nothing before its time, though timers count from when the turn of the event loop began', async () => {
    for (const delayMs of [0.7, 1.9, 3.4, 6]) {
      await new Promise((resolve) => setImmediate(resolve));
      const busyUntilMs = performance.now() + 4;
      while (performance.now() < busyUntilMs);
      expect(await scheduled(delayMs)).toBeGreaterThanOrEqual(delayMs);
    }
  });

  it('runs nothing that was cancelled', async () => {
    let hasRun = false;
    const cancel = systemClock.schedule(1, () => {
      hasRun = true;
    });
    cancel();
    await scheduled(5);
    expect(hasRun).toBe(false);
  });
});
