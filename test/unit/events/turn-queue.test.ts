import { describe, expect, it } from '@jest/globals';
import { silentMetrics } from '../../../sidecar/core/index.ts';
import { createTurnQueue } from '../../../sidecar/events/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** A queue whose turns end when the test says so, and jobs that take a given time. */
const setUp = (budgetMs = 1) => {
  const clock = createFakeClock();
  const turns: (() => void)[] = [];
  const observed: number[] = [];
  const done: string[] = [];
  const queue = createTurnQueue({
    clock,
    metrics: { ...silentMetrics, observe: (_, seconds) => observed.push(seconds) },
    budgetMs,
    nextTurn: (action) => turns.push(action),
  });
  const job = (name: string, takesMs: number) => () => {
    clock.advanceSync(takesMs);
    done.push(name);
  };
  const endTurn = () => turns.shift()?.();
  return { queue, job, done, endTurn, observed, turns };
};

describe('turn queue', () => {
  it('runs jobs at once until the time of the turn is used up, then in the order of asking', async () => {
    const { queue, job, done, endTurn } = setUp();
    await queue.run(job('a', 0.6));
    await queue.run(job('b', 0.6));
    const waiting = [queue.run(job('c', 0.6)), queue.run(job('d', 0.6)), queue.run(job('e', 0.1))];
    expect(done).toEqual(['a', 'b']);
    expect(queue.waiting).toBe(3);
    endTurn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    endTurn();
    await Promise.all(waiting);
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(queue.waiting).toBe(0);
  });

  it('lets nobody overtake those who wait', () => {
    const { queue, job, done, endTurn } = setUp();
    void queue.run(job('a', 5));
    void queue.run(job('b', 5));
    endTurn();
    void queue.run(job('c', 0));
    expect(done).toEqual(['a', 'b']);
    endTurn();
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('has time again in the next turn, also when nothing waited', () => {
    const { queue, job, endTurn } = setUp();
    void queue.run(job('a', 5));
    expect(queue.hasTime()).toBe(false);
    endTurn();
    expect(queue.hasTime()).toBe(true);
  });

  it('counts the time of the job that runs', () => {
    const { queue, job } = setUp();
    const seen: boolean[] = [];
    void queue.run(() => {
      seen.push(queue.hasTime());
      job('part', 1)();
      seen.push(queue.hasTime());
    });
    expect(seen).toEqual([true, false]);
  });

  it('puts off a job that a job asks for', () => {
    const { queue, job, done, endTurn } = setUp();
    void queue.run(() => {
      void queue.run(job('inner', 0));
      done.push('outer');
    });
    expect(done).toEqual(['outer']);
    endTurn();
    expect(done).toEqual(['outer', 'inner']);
  });

  it('fails only for the one whose job throws', async () => {
    const { queue, job, done, endTurn } = setUp();
    const fail = () => {
      throw new Error('odd');
    };
    await expect(queue.run(fail)).rejects.toThrow('odd');
    void queue.run(job('a', 5));
    const failing = queue.run(fail);
    void queue.run(job('b', 0));
    endTurn();
    await expect(failing).rejects.toThrow('odd');
    expect(done).toEqual(['a', 'b']);
  });

  it('observes the time used in each turn', () => {
    const { queue, job, endTurn, observed, turns } = setUp();
    void queue.run(job('a', 3));
    endTurn();
    expect(observed).toEqual([0.003]);
    expect(turns).toEqual([]);
  });

  it('works on real turns', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const clock = createFakeClock();
    const queue = createTurnQueue({ clock, metrics: silentMetrics });
    void queue.run(() => clock.advanceSync(2));
    void queue.run(resolve);
    await promise;
    expect(queue.waiting).toBe(0);
  });
});
