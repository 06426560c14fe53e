import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Candidate } from '../../../sidecar/scheduling/index.ts';
import { candidate, profileOf, schedulingRequest } from '../../support/candidates.ts';

const scorerOf = (type: string, parameters?: unknown) => {
  const [only] = profileOf({ scorers: [{ type, parameters }] }).scorers;
  if (only === undefined) throw new Error(`no ${type}`);
  return only.scorer;
};

const scoresOf = (
  type: string,
  candidates: readonly Candidate[],
  request: Parameters<typeof schedulingRequest>[0] = {},
) => [...scorerOf(type).score(schedulingRequest(request), candidates)];

const waiting = (name: string, count: number) => candidate(name, { load: { waiting: count } });

describe('queue-scorer', () => {
  it('maps the shortest queue to 1 and the longest to 0', () => {
    expect(scoresOf('queue-scorer', [waiting('a', 2), waiting('b', 6), waiting('c', 3)])).toEqual([1, 0, 0.75]);
  });

  it('gives 1 to all where queues are equal', () => {
    expect(scoresOf('queue-scorer', [waiting('a', 4), waiting('b', 4)])).toEqual([1, 1]);
  });

  it('takes an unknown queue for the longest', () => {
    expect(scoresOf('queue-scorer', [waiting('a', 2), candidate('b'), waiting('c', 4)])).toEqual([1, 0, 0]);
    expect(scoresOf('queue-scorer', [waiting('a', 2), candidate('b')])).toEqual([1, 0]);
  });

  it('gives 1 to all where no queue is known', () => {
    expect(scoresOf('queue-scorer', [candidate('a'), candidate('b')])).toEqual([1, 1]);
  });
});

describe('kv-cache-utilization-scorer', () => {
  it('scores the free share, and an unknown cache as full', () => {
    const candidates = [candidate('a', { load: { kvUsage: 0.25 } }), candidate('b')];
    expect(scoresOf('kv-cache-utilization-scorer', candidates)).toEqual([0.75, 0]);
  });

  it('scores all alike where nothing is known', () => {
    expect(scoresOf('kv-cache-utilization-scorer', [candidate('a'), candidate('b')])).toEqual([1, 1]);
  });
});

describe('prefix scorers', () => {
  const candidates = [candidate('a', { precise: 500, approximate: 250, cached: 1000 }), candidate('b')];

  it.each([
    ['prefix-cache-scorer', 0.25],
    ['precise-prefix-cache-scorer', 0.5],
  ])('%s scores the share of the prompt by its own view', (type, share) => {
    expect(scoresOf(type, candidates)).toEqual([share, 0]);
  });

  it('score 0 for an empty prompt', () => {
    expect(scoresOf('prefix-cache-scorer', candidates, { promptTokens: 0 })).toEqual([0, 0]);
  });
});

describe('active-request-scorer', () => {
  it('scores idle endpoints 1 and the busiest 0', () => {
    const candidates = [candidate('a', { requests: 4 }), candidate('b'), candidate('c', { requests: 1 })];
    expect(scoresOf('active-request-scorer', candidates)).toEqual([0, 1, 0.75]);
  });

  it('scores all 1 where all are idle', () => {
    expect(scoresOf('active-request-scorer', [candidate('a'), candidate('b')])).toEqual([1, 1]);
  });
});

describe('session-affinity-scorer', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const fleet = names.map((name) => candidate(name));
  const ownerOf = (sessionId: string, candidates: readonly Candidate[]) => {
    const scores = scoresOf('session-affinity-scorer', candidates, { sessionId });
    expect(scores.filter((score) => score === 1)).toHaveLength(1);
    return candidates[scores.indexOf(1)]?.endpoint.name;
  };
  const sessions = Array.from({ length: 1000 }, (_, index) => `session-${index}`);

  it('gives one owner to each session, whatever the order of candidates', () => {
    const reversed = [...fleet].reverse();
    for (const session of sessions.slice(0, 50)) expect(ownerOf(session, reversed)).toBe(ownerOf(session, fleet));
  });

  it('moves only the sessions of an endpoint that goes', () => {
    const without = fleet.filter(({ endpoint }) => endpoint.name !== 'c');
    for (const session of sessions.slice(0, 200)) {
      const owner = ownerOf(session, fleet);
      if (owner !== 'c') expect(ownerOf(session, without)).toBe(owner);
    }
  });

  it('spreads sessions evenly', () => {
    const counts = new Map<string | undefined, number>();
    for (const session of sessions) {
      const owner = ownerOf(session, fleet);
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    // 200 expected each, standard deviation 12.6.
    for (const name of names) expect(Math.abs((counts.get(name) ?? 0) - 200)).toBeLessThan(65);
  });

  it('says nothing of a request without a session', () => {
    expect(scoresOf('session-affinity-scorer', fleet)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('every scorer', () => {
  const count = fc.nat({ max: 2_000_000 });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const anyLoad = fc.record({
    running: fc.nat(1000),
    waiting: fc.nat(1000),
    kvUsage: share,
    kvCapacityTokens: fc.option(fc.nat(10_000_000)),
  });
  const anyFigures = fc.record({
    cached: count,
    precise: count,
    approximate: count,
    requests: fc.nat(5000),
    promptTokens: count,
    uncached: count,
    awaiting: fc.nat(5000),
    onPrefix: fc.nat(5000),
    load: fc.option(anyLoad),
  });
  const anyFleet = fc
    .array(anyFigures, { minLength: 1, maxLength: 12 })
    .map((fleet) =>
      fleet.map(({ load, ...figures }, position) =>
        candidate(`e${position}`, load === null ? figures : { ...figures, load }),
      ),
    );

  it.each([
    ['token-cost-scorer', {}],
    ['token-cost-scorer', { kvBarrier: 'on', hotPrefix: 'on' }],
    ['queue-scorer', {}],
    ['kv-cache-utilization-scorer', {}],
    ['prefix-cache-scorer', {}],
    ['precise-prefix-cache-scorer', {}],
    ['active-request-scorer', {}],
    ['session-affinity-scorer', {}],
  ])('%s %j scores within [0, 1], one number a candidate', (type, parameters) => {
    const scorer = scorerOf(type, parameters);
    fc.assert(
      fc.property(anyFleet, count, fc.option(fc.string()), (fleet, promptTokens, session) => {
        const request = schedulingRequest({ promptTokens, ...(session === null ? {} : { sessionId: session }) });
        const scores = scorer.score(request, fleet);
        expect(scores).toHaveLength(fleet.length);
        for (const score of scores) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('token-cost-scorer gives 1 to at least one candidate', () => {
    fc.assert(
      fc.property(anyFleet, count, (fleet, promptTokens) => {
        expect(Math.max(...scoresOf('token-cost-scorer', fleet, { promptTokens }))).toBe(1);
      }),
    );
  });
});
