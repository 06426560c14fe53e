import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../sidecar/core/index.ts';
import type { Picker, ScoredCandidate } from '../../sidecar/scheduling/index.ts';
import { candidate, profileOf, schedulingRequest } from '../support/candidates.ts';

const scored = (totals: Readonly<Record<string, number>>): readonly ScoredCandidate[] =>
  Object.entries(totals).map(([name, total]) => ({ candidate: candidate(name), total }));

const pickerOf = (type: string): Picker => profileOf({ picker: { type } }).picker;

/** Picks `times` times, each carried out; how often each name came. */
const tally = (picker: Picker, entries: readonly ScoredCandidate[], times: number): Record<string, number> => {
  const random = seededRandom(7);
  const counts: Record<string, number> = {};
  for (let turn = 0; turn < times; turn += 1) {
    const { candidate: picked } = picker.pick(schedulingRequest({ random }), entries);
    picker.settle?.(picked);
    counts[picked.endpoint.name] = (counts[picked.endpoint.name] ?? 0) + 1;
  }
  return counts;
};

describe.each(['max-score-picker', 'random-picker', 'round-robin-picker'])('%s', (type) => {
  it('picks one of the candidates it is given', () => {
    const totals = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(totals, fc.integer(), (numbers, seed) => {
        const entries = scored(Object.fromEntries(numbers.map((total, position) => [`e${position}`, total])));
        const picked = pickerOf(type).pick(schedulingRequest({ random: seededRandom(seed) }), entries);
        expect(entries).toContain(picked);
      }),
    );
  });

  it('picks the only candidate', () => {
    const entries = scored({ a: 0 });
    expect(pickerOf(type).pick(schedulingRequest(), entries)).toBe(entries[0]);
  });

  it('repeats its choice for the same random numbers until told that it was carried out', () => {
    const picker = pickerOf(type);
    const entries = scored({ a: 1, b: 1, c: 1 });
    const pick = () => picker.pick(schedulingRequest({ random: seededRandom(3) }), entries);
    expect(pick()).toBe(pick());
  });

  it('refuses an empty list as a bug of the caller', () => {
    expect(() => pickerOf(type).pick(schedulingRequest(), [])).toThrow('[internal]');
  });

  it('gives equals equal shares', () => {
    const counts = tally(pickerOf(type), scored({ a: 1, b: 1, c: 1 }), 3000);
    for (const name of ['a', 'b', 'c']) expect(Math.abs((counts[name] ?? 0) - 1000)).toBeLessThan(130);
  });
});

describe('max-score-picker', () => {
  it('picks the highest total', () => {
    expect(tally(pickerOf('max-score-picker'), scored({ a: 1, b: 3, c: 2 }), 20)).toEqual({ b: 20 });
  });

  it('shares ties among the highest alone', () => {
    const counts = tally(pickerOf('max-score-picker'), scored({ a: 3, b: 1, c: 3 }), 1000);
    expect(Object.keys(counts).sort()).toEqual(['a', 'c']);
  });
});

describe('random-picker', () => {
  it('looks at no total', () => {
    const counts = tally(pickerOf('random-picker'), scored({ a: 100, b: 0 }), 1000);
    expect(Math.abs((counts['a'] ?? 0) - 500)).toBeLessThan(100);
  });
});

describe('round-robin-picker', () => {
  const namesOf = (picker: Picker, lists: readonly string[]) =>
    lists.map((names) => {
      const entries = [...names].map((name) => ({ candidate: candidate(name), total: 0 }));
      const { candidate: picked } = picker.pick(schedulingRequest(), entries);
      picker.settle?.(picked);
      return picked.endpoint.name;
    });

  it('takes turns whatever the order in which candidates come', () => {
    expect(namesOf(pickerOf('round-robin-picker'), ['abc', 'cba', 'bca', 'acb'])).toEqual(['a', 'b', 'c', 'a']);
  });

  it('goes on fairly while endpoints come and go', () => {
    expect(namesOf(pickerOf('round-robin-picker'), ['abc', 'ac', 'abcd', 'abcd', 'b'])).toEqual([
      'a',
      'c',
      'd',
      'a',
      'b',
    ]);
  });
});
