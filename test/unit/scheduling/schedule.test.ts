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
    const outcome = schedule(schedulingRequest(), [busy, idle], profile);
    expect(outcome).toEqual({
      picked: busy,
      candidates: [busy, idle],
      removedBy: null,
      totals: Float64Array.of(1.5, 1),
      columns: [
        { scorer: 'active-request-scorer', scores: Float64Array.of(0, 1) },
        { scorer: 'precise-prefix-cache-scorer', scores: Float64Array.of(0.5, 0) },
      ],
    });
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
    const { picked, removedBy, columns, totals } = schedule(schedulingRequest(), candidates, profile);
    expect(picked?.endpoint.name).toBe('x');
    expect(removedBy).toEqual(['role-filter', null, null]);
    expect(columns).toEqual([{ scorer: 'active-request-scorer', scores: Float64Array.of(0, 0, 0.5) }]);
    expect(totals).toEqual(Float64Array.of(0, 0, 0.5));
  });

  it('picks nothing where filters leave nothing', () => {
    const profile = profileOf({ filters: [{ type: 'role-filter', parameters: { role: 'prefill' } }] });
    const { picked, removedBy } = schedule(schedulingRequest(), [candidate('d', { role: 'decode' })], profile);
    expect(picked).toBeNull();
    expect(removedBy).toEqual(['role-filter']);
  });

  it('picks nothing where there is no candidate', () => {
    expect(schedule(schedulingRequest(), [], profileOf({}))).toMatchObject({ picked: null, candidates: [] });
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
