import { describe, expect, it } from '@jest/globals';
import { startPoller } from '../../../sidecar/pool/poller.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** A poller of one-second intervals, without jitter, whose task takes `taskMs`. */
const createWorld = (taskMs: number) => {
  const clock = createFakeClock();
  const begun: number[] = [];
  let isAborted = false;
  const poller = startPoller({
    clock,
    random: () => 0.5,
    intervalMs: () => 1000,
    firstWithinMs: 100,
    run: async (signal) => {
      begun.push(clock.now());
      await new Promise<void>((resolve) => {
        clock.schedule(taskMs, resolve);
        signal.addEventListener('abort', () => {
          isAborted = true;
          resolve();
        });
      });
    },
  });
  return { clock, begun, poller, isAborted: () => isAborted };
};

describe('poller', () => {
  it('counts the interval from one beginning to the next', async () => {
    const { clock, begun } = createWorld(300);
    await clock.advance(3500);
    expect(begun).toEqual([50, 1050, 2050, 3050]);
  });

  it('follows a run that took too long with the next at once, never two at a time', async () => {
    const { clock, begun } = createWorld(1500);
    await clock.advance(3500);
    expect(begun).toEqual([50, 1550, 3050]);
  });

  it('runs at once when kicked while it waits', async () => {
    const { clock, begun, poller } = createWorld(10);
    await clock.advance(500);
    poller.kick();
    await clock.advance(600);
    expect(begun).toEqual([50, 500]);
  });

  it('runs once more when kicked while it runs', async () => {
    const { clock, begun, poller } = createWorld(300);
    await clock.advance(100);
    poller.kick();
    poller.kick();
    await clock.advance(600);
    expect(begun).toEqual([50, 350]);
  });

  it('aborts the run in progress and begins none when stopped', async () => {
    const { clock, begun, poller, isAborted } = createWorld(300);
    await clock.advance(100);
    poller.stop();
    poller.kick();
    await clock.advance(5000);
    expect(begun).toEqual([50]);
    expect(isAborted()).toBe(true);
  });
});
