import { describe, expect, it } from '@jest/globals';
import { type Stoppable, stopAll } from '../../../sidecar/app/run-group.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createRecordingLogger } from '../../support/recording-logger.ts';

const setUp = () => {
  const clock = createFakeClock();
  const { logger, lines } = createRecordingLogger();
  const ended: string[] = [];
  const told: number[] = [];
  const part = (name: string, stop: (deadlineMs: number) => Promise<unknown> = async () => {}): Stoppable => ({
    name,
    stop: async (deadlineMs) => {
      told.push(deadlineMs);
      await stop(deadlineMs);
      ended.push(name);
    },
  });
  const hanging = (name: string): Stoppable => part(name, () => new Promise(() => {}));
  const stop = (parts: readonly Stoppable[]) => stopAll(parts, { deadlineMs: 5000, clock, logger });
  return { clock, lines, ended, told, part, hanging, stop };
};

describe('stopAll', () => {
  it('ends parts in order, each told what is left of the deadline', async () => {
    const { clock, ended, told, part, stop } = setUp();
    const slow = part('slow', () => new Promise<void>((resolve) => clock.schedule(2000, resolve)));
    const stopped = stop([slow, part('quick')]);
    await clock.advance(2000);
    await stopped;
    expect(ended).toEqual(['slow', 'quick']);
    expect(told).toEqual([5000, 3000]);
    expect(clock.pending).toBe(0);
  });

  it('leaves behind a part that ignores its deadline, names it in the log, and ends the rest', async () => {
    const { clock, lines, ended, told, part, hanging, stop } = setUp();
    const stopped = stop([hanging('stuck'), part('log')]);
    await clock.advance(5999);
    expect(ended).toEqual([]);
    await clock.advance(1);
    await stopped;
    expect(ended).toEqual(['log']);
    expect(told).toEqual([5000, 0]);
    expect(lines).toEqual([
      { level: 'error', message: 'a part did not end in time and is left behind', fields: { part: 'stuck' } },
    ]);
  });

  it('gives a part that cuts off at the deadline a moment to do so', async () => {
    const { clock, lines, ended, part, stop } = setUp();
    const cutting = part('cutting', (ms) => new Promise<void>((resolve) => clock.schedule(ms + 500, resolve)));
    const stopped = stop([cutting]);
    await clock.advance(5500);
    await stopped;
    expect(ended).toEqual(['cutting']);
    expect(lines).toEqual([]);
  });

  it('goes on past a part that fails, also one that fails after it was left behind', async () => {
    const { clock, lines, ended, part, stop } = setUp();
    const fails = (name: string, afterMs: number): Stoppable =>
      part(name, () => new Promise((_, reject) => clock.schedule(afterMs, () => reject(new Error('no')))));
    const stopped = stop([fails('early', 10), fails('late', 60_000), part('last')]);
    await clock.advance(70_000);
    await stopped;
    expect(ended).toEqual(['last']);
    expect(lines.map(({ message, fields }) => [message, fields['part']])).toEqual([
      ['a part did not end in good order', 'early'],
      ['a part did not end in time and is left behind', 'late'],
    ]);
  });
});
