import { describe, expect, it } from '@jest/globals';
import { decisionId } from '../../../sidecar/core/index.ts';
import { createDecisionLog, type DecisionRecord } from '../../../sidecar/routing/index.ts';

const decided = (id: string) => {
  const record: DecisionRecord = {
    id: decisionId(id),
    at: '2026-01-01T00:00:00.000Z',
    pool: null,
    model: null,
    api: 'other',
    promptTokens: null,
    endpoint: null,
    rank: null,
    reason: 'no-endpoint',
    predictedCachedTokens: null,
    actualCachedTokens: null,
    durationsMs: {},
    candidates: [],
  };
  return { id: record.id, record: () => record };
};

describe('the decision log', () => {
  it('forgets the oldest beyond its capacity', () => {
    const log = createDecisionLog(2);
    for (const id of ['a', 'b', 'c']) log.add(decided(id));
    expect(log.recent(10).map(({ id }) => id)).toEqual(['c', 'b']);
    expect(log.get('a')).toBeUndefined();
  });

  it('keeps the place of an amended record', () => {
    const log = createDecisionLog(3);
    for (const id of ['a', 'b']) log.add(decided(id));
    log.amend(decisionId('a'), { actualCachedTokens: 5 });
    log.amend(decisionId('gone'), { actualCachedTokens: 5 });
    expect(log.recent(1).map(({ id }) => id)).toEqual(['b']);
    expect(log.get('a')?.actualCachedTokens).toBe(5);
  });

  it('keeps nothing with a capacity of 0', () => {
    const log = createDecisionLog(0);
    log.add(decided('a'));
    expect(log.recent(10)).toEqual([]);
    expect(log.recent(0)).toEqual([]);
  });
});
