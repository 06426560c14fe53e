import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseProfile } from '../../../sidecar/scheduling/index.ts';
import { profileOf } from '../../support/candidates.ts';

const mistakesOf = (block: unknown) => {
  const parsed = parseProfile(block);
  return parsed.kind === 'mistakes' ? parsed.mistakes.map(({ path, allowed }) => `${path}: ${allowed}`) : [];
};

const shapeOf = (block: unknown) => {
  const { filters, scorers, picker } = profileOf(block);
  return {
    filters: filters.map(({ type }) => type),
    scorers: scorers.map(({ scorer, weight }) => [scorer.type, weight]),
    picker: picker.type,
  };
};

describe('parseProfile', () => {
  it.each([[undefined], [null], [{}]])('reads %j as the default profile', (block) => {
    expect(shapeOf(block)).toEqual({ filters: [], scorers: [['token-cost-scorer', 1]], picker: 'max-score-picker' });
  });

  it('reads filters, weighted scorers and a picker', () => {
    const block = {
      filters: [{ type: 'role-filter', parameters: { role: 'prefill' } }],
      scorers: [
        { type: 'queue-scorer', weight: 2 },
        { type: 'token-cost-scorer', parameters: { kvBarrier: 'on', expectedOutputTokens: 100 } },
      ],
      picker: { type: 'random-picker' },
    };
    expect(shapeOf(block)).toEqual({
      filters: ['role-filter'],
      scorers: [
        ['queue-scorer', 2],
        ['token-cost-scorer', 1],
      ],
      picker: 'random-picker',
    });
  });

  it('takes an empty list of scorers at its word', () => {
    expect(shapeOf({ scorers: [], picker: { type: 'round-robin-picker' } }).scorers).toEqual([]);
  });

  it('makes plugins anew, so that two profiles share no state', () => {
    const block = { picker: { type: 'round-robin-picker' } };
    expect(profileOf(block).picker).not.toBe(profileOf(block).picker);
  });

  it('carries the name it is given', () => {
    const parsed = parseProfile({}, { name: 'qwen' });
    expect(parsed.kind === 'profile' && parsed.profile.name).toBe('qwen');
  });

  it('reports every mistake at once, each with its path and what is allowed', () => {
    const mistakes = mistakesOf({
      filter: [],
      filters: [{ type: 'role-filter' }, 'role-filter'],
      scorers: [
        { type: 'queue-scorer', weight: -1 },
        { type: 'queue-scorer', parameters: { depth: 3 } },
        { type: 'constructor' },
        { type: 'token-cost-scorer', parameters: { kvBarrier: true, expectedOutputTokens: -5 }, wight: 1 },
      ],
      picker: { type: 'max-score' },
    });
    expect(mistakes).toEqual([
      'filter: unknown; known are filters, scorers, picker',
      'filters[0].parameters.role: must be prefill or decode',
      'filters[1]: must be a map with a type',
      'scorers[0].weight: must be a number of at least 0',
      'scorers[1].parameters.depth: takes no parameters',
      'scorers[1].type: queue-scorer may stand once',
      expect.stringMatching(/^scorers\[2\]\.type: must be token-cost-scorer, queue-scorer, /),
      'scorers[3].wight: unknown; known are type, weight, parameters',
      'scorers[3].parameters.kvBarrier: must be off or on',
      'scorers[3].parameters.expectedOutputTokens: must be a number from 0 to 1000000',
      'picker.type: must be max-score-picker, random-picker, round-robin-picker',
    ]);
  });

  it.each([[[]], ['token-cost-scorer'], [7]])('refuses %j as a block', (block) => {
    expect(mistakesOf(block)).toEqual([': must be a map']);
  });

  it('refuses lists and parameters of the wrong shape', () => {
    expect(mistakesOf({ filters: {}, scorers: 'all' })).toEqual(['filters: must be a list', 'scorers: must be a list']);
    expect(mistakesOf({ scorers: [{ type: 'token-cost-scorer', parameters: [] }] })).toEqual([
      'scorers[0].parameters: must be a map of parameter names to values',
    ]);
    expect(mistakesOf({ scorers: [{ type: 'token-cost-scorer', parameters: { hot: 'on' } }] })).toEqual([
      'scorers[0].parameters.hot: unknown; known are kvBarrier, expectedOutputTokens, hotPrefix',
    ]);
  });

  it('never throws, whatever it is given', () => {
    const part = fc.oneof(fc.jsonValue(), fc.record({ type: fc.constantFrom('queue-scorer', 'toString') }));
    const block = fc.record({ filters: part, scorers: fc.oneof(part, fc.array(part)), picker: part });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), block), (value) => {
        expect(['profile', 'mistakes']).toContain(parseProfile(value).kind);
      }),
    );
  });
});
