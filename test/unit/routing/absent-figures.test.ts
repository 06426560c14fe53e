import { beforeEach, describe, expect, it } from '@jest/globals';
import { decisionId, type Endpoint, poolName, silentLogger, silentMetrics } from '../../../sidecar/core/index.ts';
import type { Audit } from '../../../sidecar/routing/audit.ts';
import { createAudit } from '../../../sidecar/routing/audit.ts';
import type { Expectation } from '../../../sidecar/routing/audit-sample.ts';
import { createDecisionLog, type RoutedDecision } from '../../../sidecar/routing/index.ts';
import { endpoint } from '../../support/candidates.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

/** An audit, and what it makes of one answer that reports `cachedTokens`, as the engine's 40 prompt tokens. */
let audit: Audit;
const a = endpoint('a');
const b = endpoint('b');

beforeEach(() => {
  audit = createAudit({
    log: createDecisionLog(0),
    metrics: silentMetrics,
    clock: createFakeClock(),
    logger: silentLogger,
  });
});

const answered = (
  cachedTokens: number | null,
  { at = a, api = 'chat' }: { readonly at?: Endpoint; readonly api?: Expectation['api'] } = {},
): number | null => {
  const expected: Expectation = {
    api,
    cachedTokens: 0,
    promptTokens: 40,
    blockSize: 32,
    isFirm: true,
    isPromised: false,
    isSalted: false,
    servesModel: () => true,
  };
  const decision: RoutedDecision = {
    kind: 'routed',
    id: decisionId('d-1'),
    pool: poolName('pool'),
    endpoint: at,
    rankHeader: null,
    reason: 'load',
    promptTokens: 40,
    cachedTokens: 0,
    fallbacks: [],
    ticket: { firstToken: () => {}, finished: () => {}, failed: () => {} },
  };
  return audit.observe(decision, expected, { promptTokens: 40, cachedTokens, completionTokens: 1 });
};

describe('cached tokens that an answer leaves out', () => {
  it('are not known of an endpoint that never gave any', () => {
    expect(answered(null)).toBeNull();
    expect(audit.report(a.id)).toMatchObject({ requests: 0 });
  });

  it('are none once the endpoint gave some', () => {
    answered(32);
    expect(answered(null)).toBe(0);
    expect(audit.report(a.id)).toMatchObject({ requests: 2, exact: 1 });
  });

  it('are not known of another API, or another endpoint', () => {
    answered(32);
    expect(answered(null, { api: 'messages' })).toBeNull();
    expect(answered(null, { at: b })).toBeNull();
  });

  it('are not known of the next process at the address', () => {
    answered(32);
    audit.forget(a.id);
    expect(answered(null)).toBeNull();
  });
});
