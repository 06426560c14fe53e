import { describe, expect, it } from '@jest/globals';
import { type TrustFacts, trustOf } from '../../../sidecar/events/stream/trust.ts';

const facts = (overrides: Partial<TrustFacts> = {}): TrustFacts => ({
  state: { kind: 'live' },
  isAnchored: true,
  appliedBatches: 90,
  lostBatches: 0,
  pendingBatches: 0,
  orphanShare: 0,
  disconnectedShare: 0,
  ...overrides,
});

describe('trust', () => {
  it.each<[string, Partial<TrustFacts>, ReturnType<typeof trustOf>]>([
    ['everything is applied', {}, { trust: 'exact', reason: null, missingShare: 0 }],
    ['batches are lost', { lostBatches: 10 }, { trust: 'degraded', reason: 'batches-lost', missingShare: 0.1 }],
    ['batches wait', { pendingBatches: 10 }, { trust: 'degraded', reason: 'gap', missingShare: 0.1 }],
    ['blocks are orphans', { orphanShare: 0.2 }, { trust: 'degraded', reason: 'orphaned-blocks', missingShare: 0.2 }],
    [
      'a gap is open',
      { state: { kind: 'gap', firstMissing: 90, lastMissing: 99 }, pendingBatches: 10 },
      { trust: 'degraded', reason: 'gap', missingShare: 0.1 },
    ],
    [
      'a replay runs',
      { state: { kind: 'replaying', from: 3 } },
      { trust: 'degraded', reason: 'replaying', missingShare: 0 },
    ],
    [
      'the first replay runs',
      { state: { kind: 'replaying', from: 0 }, isAnchored: false },
      { trust: 'degraded', reason: 'replaying', missingShare: 1 },
    ],
    [
      'the connection is gone for a while',
      { state: { kind: 'connecting' }, disconnectedShare: 0.5, lostBatches: 90 },
      { trust: 'degraded', reason: 'disconnected', missingShare: 0.75 },
    ],
    [
      'there never was a connection',
      { state: { kind: 'connecting' }, isAnchored: false },
      { trust: 'fallback', reason: 'not-connected', missingShare: 1 },
    ],
    [
      'nothing is known of the history',
      { isAnchored: false },
      { trust: 'fallback', reason: 'history-unknown', missingShare: 1 },
    ],
    [
      'events stay away',
      { state: { kind: 'stale', why: 'silent' } },
      { trust: 'fallback', reason: 'silent', missingShare: 1 },
    ],
    [
      'events are not configured',
      { state: { kind: 'closed', why: 'not-configured' } },
      { trust: 'fallback', reason: 'not-configured', missingShare: 1 },
    ],
  ])('where %s', (_, overrides, expected) => {
    const { trust, reason, missingShare } = trustOf(facts(overrides));
    expect({ trust, reason }).toEqual({ trust: expected.trust, reason: expected.reason });
    expect(missingShare).toBeCloseTo(expected.missingShare);
  });

  it('falls step by step with what is missing', () => {
    const shares = [0, 1, 10, 100, 1_000].map((lostBatches) => trustOf(facts({ lostBatches })).missingShare);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(new Set(shares).size).toBe(5);
  });
});
