import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { createSimulatedClock, type SimulatedClock } from '../../../sidecar/simulator/simulated-clock.ts';

const run = (clock: SimulatedClock): void => {
  while (clock.step());
};

describe('simulated time', () => {
  it('jumps to each action in order of instant, then of scheduling', () => {
    const clock = createSimulatedClock();
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name} at ${clock.now()}`);
    clock.schedule(20, note('c'));
    clock.schedule(10, note('a'));
    clock.schedule(10, note('b'));
    run(clock);
    expect(seen).toEqual(['a at 10', 'b at 10', 'c at 20']);
    expect(clock.wallNow()).toBe(20);
  });

  it('counts what an action schedules from its own instant, and never goes back', () => {
    const clock = createSimulatedClock();
    const seen: number[] = [];
    clock.schedule(5, () => {
      clock.schedule(2, () => seen.push(clock.now()));
      clock.schedule(-3, () => seen.push(clock.now()));
    });
    run(clock);
    expect(seen).toEqual([5, 7]);
  });

  it('leaves out what was cancelled', () => {
    const clock = createSimulatedClock();
    const seen: number[] = [];
    clock.schedule(1, () => seen.push(1))();
    clock.schedule(2, () => seen.push(2));
    expect(clock.step()).toBe(true);
    expect(clock.step()).toBe(false);
    expect(seen).toEqual([2]);
  });

  it('sorts many actions as a sort does', () => {
    const random = seededRandom(3);
    const clock = createSimulatedClock();
    const instants = Array.from({ length: 500 }, () => Math.floor(random() * 100));
    const seen: number[] = [];
    for (const instant of instants) clock.schedule(instant, () => seen.push(clock.now()));
    run(clock);
    expect(seen).toEqual(instants.toSorted((a, b) => a - b));
  });
});
