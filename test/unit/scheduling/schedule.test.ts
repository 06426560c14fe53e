import { describe, expect, it } from '@jest/globals';
import { preview, schedule } from '../../../sidecar/scheduling/index.ts';
import { candidate, profileOf, schedulingRequest } from '../../support/candidates.ts';

describe('schedule', () => {
  it('weighs and sums scores and lets the picker choose', () => {
    const profile = profileOf({
      scorers: [
        { type: 'active-request-scorer', weight: 1 },
        { type: 'precise-prefix-cache-scorer', weight: 3 },
      ],
    });
    const busy = candidate('a', { requests: 2, precise: 500 });
    const idle = candidate('b', { requests: 0, precise: 0 });
    const { picked, evaluations } = schedule(schedulingRequest(), [busy, idle], profile);
    expect(evaluations).toEqual([
      {
        candidate: busy,
        scores: { 'active-request-scorer': 0, 'precise-prefix-cache-scorer': 0.5 },
        total: 1.5,
        removedBy: null,
      },
      {
        candidate: idle,
        scores: { 'active-request-scorer': 1, 'precise-prefix-cache-scorer': 0 },
        total: 1,
        removedBy: null,
      },
    ]);
    expect(picked).toBe(busy);
  });

  it('names the filter that removed a candidate and scores the others among themselves', () => {
    const profile = profileOf({
      filters: [{ type: 'role-filter', parameters: { role: 'decode' } }],
      scorers: [{ type: 'active-request-scorer' }],
    });
    const candidates = [
      candidate('p', { role: 'prefill', requests: 100 }),
      candidate('d', { role: 'decode', requests: 2 }),
      candidate('x', { requests: 1 }),
    ];
    const { picked, evaluations } = schedule(schedulingRequest(), candidates, profile);
    expect(picked?.endpoint.name).toBe('x');
    expect(evaluations.map(({ removedBy }) => removedBy)).toEqual(['role-filter', null, null]);
    expect(evaluations[0]?.scores).toEqual({});
    expect(evaluations.map(({ total }) => total)).toEqual([0, 0, 0.5]);
  });

  it('picks nothing where filters leave nothing', () => {
    const profile = profileOf({ filters: [{ type: 'role-filter', parameters: { role: 'prefill' } }] });
    const { picked, evaluations } = schedule(schedulingRequest(), [candidate('d', { role: 'decode' })], profile);
    expect(picked).toBeNull();
    expect(evaluations[0]?.removedBy).toBe('role-filter');
  });

  it('picks nothing where there is no candidate', () => {
    expect(schedule(schedulingRequest(), [], profileOf({}))).toEqual({ picked: null, evaluations: [] });
  });

  it('prefers the cached endpoint by default, and the idle one once the queue there is longer than the gain', () => {
    const warm = (uncached: number) => candidate('a', { cached: 800, uncached, requests: 1, awaiting: 1 });
    const cold = candidate('b', { requests: 1 });
    const pickOf = (uncached: number) =>
      schedule(schedulingRequest(), [warm(uncached), cold], profileOf({})).picked?.endpoint.name;
    expect(pickOf(1000)).toBe('a');
    expect(pickOf(1300)).toBe('b');
  });
});

describe('preview', () => {
  it('leaves the turn of a round-robin picker where it is', () => {
    const profile = profileOf({ scorers: [], picker: { type: 'round-robin-picker' } });
    const candidates = ['a', 'b', 'c'].map((name) => candidate(name));
    const nameOf = (run: typeof schedule) => run(schedulingRequest(), candidates, profile).picked?.endpoint.name;
    expect(nameOf(schedule)).toBe('a');
    expect(nameOf(preview)).toBe('b');
    expect(nameOf(preview)).toBe('b');
    expect(nameOf(schedule)).toBe('b');
    expect(nameOf(schedule)).toBe('c');
  });
});
