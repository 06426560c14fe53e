import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../sidecar/core/index.ts';
import type { Candidate, Picker, ScoredCandidates } from '../../sidecar/scheduling/index.ts';
import { candidate, profileOf, schedulingRequest } from '../support/candidates.ts';

const scored = (totals: Readonly<Record<string, number>>): ScoredCandidates => ({
  candidates: Object.keys(totals).map((name) => candidate(name)),
  totals: Float64Array.from(Object.values(totals)),
});

const pickerOf = (type: string): Picker => profileOf({ picker: { type } }).picker;

/** Lets a picker choose and tells it that its choice is carried out. */
const carriedOut = (picker: Picker, entries: ScoredCandidates, random = seededRandom(1)): Candidate => {
  const picked = entries.candidates[picker.pick(schedulingRequest({ random }), entries)];
  if (picked === undefined) throw new RangeError('no such candidate');
  picker.settle?.(picked);
  return picked;
};

/** Picks `times` times, each carried out; how often each name came. */
const tally = (picker: Picker, entries: ScoredCandidates, times: number): Record<string, number> => {
  const random = seededRandom(7);
  const counts: Record<string, number> = {};
  for (let turn = 0; turn < times; turn += 1) {
    const { name } = carriedOut(picker, entries, random).endpoint;
    counts[name] = (counts[name] ?? 0) + 1;
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
        expect(entries.candidates[picked]).toBeDefined();
      }),
    );
  });

  it('picks the only candidate', () => {
    expect(pickerOf(type).pick(schedulingRequest(), scored({ a: 0 }))).toBe(0);
  });

  it('repeats its choice for the same random numbers until told that it was carried out', () => {
    const picker = pickerOf(type);
    const entries = scored({ a: 1, b: 1, c: 1 });
    const pick = () => picker.pick(schedulingRequest({ random: seededRandom(3) }), entries);
    expect(pick()).toBe(pick());
  });

  it('refuses an empty list as a bug of the caller', () => {
    expect(() => pickerOf(type).pick(schedulingRequest(), scored({}))).toThrow('[internal]');
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
      const entries = scored(Object.fromEntries([...names].map((name) => [name, 0])));
      return carriedOut(picker, entries).endpoint.name;
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
