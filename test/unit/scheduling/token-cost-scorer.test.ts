import { describe, expect, it } from '@jest/globals';
import { type Candidate, uncachedTokensOf } from '../../../sidecar/scheduling/index.ts';
import { candidate, profileOf, schedulingRequest } from '../../support/candidates.ts';

const scoresOf = (candidates: readonly Candidate[], options: { promptTokens?: number; parameters?: unknown } = {}) => {
  const profile = profileOf({ scorers: [{ type: 'token-cost-scorer', parameters: options.parameters }] });
  const [only] = profile.scorers;
  return [...(only?.scorer.score(schedulingRequest(options), candidates) ?? [])];
};

/** Costs relative to the first candidate's, from scores: cost_i / cost_0 = score_0 / score_i. */
const relativeCosts = (scores: readonly number[]) => scores.map((score) => (scores[0] ?? Number.NaN) / score);

describe('token-cost-scorer', () => {
  it('scores two cold idle endpoints alike', () => {
    expect(scoresOf([candidate('a'), candidate('b')])).toEqual([1, 1]);
  });

  it('counts uncached tokens and context alone on idle endpoints', () => {
    // a: 1000 + 0.02 · 1000 = 1020; b: 200 + 20 = 220.
    const scores = scoresOf([candidate('a'), candidate('b', { cached: 800 })]);
    expect(scores[0]).toBeCloseTo(220 / 1020, 12);
    expect(scores[1]).toBe(1);
  });

  it('reckons with at least 16 uncached tokens', () => {
    // a: 16 + 20 = 36; b: 40 + 20 = 60.
    const scores = scoresOf([candidate('a', { cached: 999 }), candidate('b', { cached: 960 })]);
    expect(scores[1]).toBeCloseTo(36 / 60, 12);
    expect(uncachedTokensOf(1000, 999)).toBe(16);
    expect(uncachedTokensOf(10, 0)).toBe(16);
  });

  it('adds the tokens that wait for prefill on the endpoint', () => {
    // a: 4000 + 200 + 0.02 · (1000 + 5000) + busy share; requests are even so that only Q and C differ.
    const busy = candidate('a', { cached: 800, requests: 1, promptTokens: 5000, uncached: 4000, awaiting: 1 });
    const idle = candidate('b', { requests: 1, promptTokens: 1000 });
    // Mean requests 1: factor 1.5. a: 4000 + 200 · 1.5 + 120 = 4420; b: 1000 · 1.5 + 40 = 1540.
    expect(relativeCosts(scoresOf([busy, idle]))[1]).toBeCloseTo(1540 / 4420, 12);
  });

  it('weighs uncached tokens by the requests in flight against their mean', () => {
    // Mean 2. a: 1000 · (1 + 0.5 · 4 / 2) + 20 = 2020; b: 1000 + 20 = 1020.
    const scores = scoresOf([candidate('a', { requests: 4 }), candidate('b')]);
    expect(scores[0]).toBeCloseTo(1020 / 2020, 12);
  });

  it('takes a mean below one request as one', () => {
    // Mean 0.5 → 1. a: 1000 · 1.5 + 20 = 1520; b: 1020.
    const scores = scoresOf([candidate('a', { requests: 1 }), candidate('b')]);
    expect(scores[0]).toBeCloseTo(1020 / 1520, 12);
  });

  it('leans on the cache more when every endpoint has a backlog, by the shortest of them', () => {
    // qmin = 2. a: 1000 · 3 + 20 = 3020; b: 200 · 3 + 20 = 620.
    const backlog = [candidate('a', { awaiting: 2 }), candidate('b', { awaiting: 5, cached: 800 })];
    expect(scoresOf(backlog)[0]).toBeCloseTo(620 / 3020, 12);
    // One endpoint without a backlog takes the term away: 220 / 1020.
    const idle = [candidate('a'), candidate('b', { awaiting: 5, cached: 800 })];
    expect(scoresOf(idle)[0]).toBeCloseTo(220 / 1020, 12);
  });

  it('leaves the KV barrier off by default and adds it on demand', () => {
    const full = candidate('a', { load: { kvUsage: 0.5, kvCapacityTokens: 10_000 } });
    const unknown = candidate('b');
    expect(scoresOf([full, unknown])).toEqual([1, 1]);
    const parameters = { kvBarrier: 'on', expectedOutputTokens: 2000 };
    // k = 0.5 + (0 + 1000 + 1000) / 10000 = 0.7 → 1200 · 0.7 / 0.3 = 2800. a: 1020 + 2800; b: 1020.
    expect(scoresOf([full, unknown], { parameters })[0]).toBeCloseTo(1020 / 3820, 12);
  });

  it('caps the KV barrier at 99 % of the cache', () => {
    const over = candidate('a', { load: { kvUsage: 1, kvCapacityTokens: 100 } });
    const scores = scoresOf([over, candidate('b')], { parameters: { kvBarrier: 'on' } });
    expect(scores[0]).toBeCloseTo(1020 / (1020 + (1200 * 0.99) / (1 - 0.99)), 12);
  });

  it('lets the pull of a hot prefix fade only where asked to', () => {
    const warm = candidate('a', { cached: 800, onPrefix: 18 });
    const cold = candidate('b');
    expect(scoresOf([warm, cold])[1]).toBeCloseTo(220 / 1020, 12);
    // h − 8 = 10 → divisor 2. b: 200 + 800 / 2 + 20 = 620.
    expect(scoresOf([warm, cold], { parameters: { hotPrefix: 'on' } })[1]).toBeCloseTo(220 / 620, 12);
    // A prefix with 8 requests or fewer is not hot.
    const cool = candidate('a', { cached: 800, onPrefix: 8 });
    expect(scoresOf([cool, cold], { parameters: { hotPrefix: 'on' } })[1]).toBeCloseTo(220 / 1020, 12);
  });
});
