import { describe, expect, it } from '@jest/globals';
import { CounterAudit } from '../../../sidecar/routing/audit-counters.ts';
import { load } from '../../support/candidates.ts';

const scrape = (queries: number, hits: number, changes: Parameters<typeof load>[0] = {}) =>
  load({ running: 0, waiting: 0, prefixCacheQueries: queries, prefixCacheHits: hits, ...changes });

/** Books requests of 100 tokens each, 60 predicted. */
const send = (audit: CounterAudit, requests: number, observesResponse = false): void => {
  for (let i = 0; i < requests; i += 1) audit.book({ promptTokens: 100, predicted: 60, observesResponse });
};

/** An audit that has its baseline and saw `rounds` of 16 requests, of which the engine found `hits` tokens cached. */
const audited = (rounds: number, { queries = 1600, hits = 960 } = {}): CounterAudit => {
  const audit = new CounterAudit();
  audit.observe(scrape(0, 0), true);
  for (let round = 1; round <= rounds; round += 1) {
    send(audit, 16);
    expect(audit.observe(scrape(round * queries, round * hits), true)).toBe(Math.abs(queries - 1600) <= 80);
  }
  return audit;
};

describe("the engine's own counters", () => {
  it('agree with predictions that are right', () => {
    expect(audited(3).drift).toBeNull();
  });

  it('show a drift when they differ twice in a row', () => {
    expect(audited(1, { hits: 0 }).drift).toBeNull();
    expect(audited(2, { hits: 0 }).drift).toEqual({ cause: 'lost-events', missingShare: 1 });
    expect(audited(2, { hits: 1440 }).drift).toMatchObject({ cause: 'lost-events' });
  });

  it('show another tokenization where prompts are a little longer than was counted', () => {
    expect(audited(2, { queries: 1650, hits: 0 }).drift).toMatchObject({ cause: 'tokenization' });
  });

  it('say nothing where others send requests, too', () => {
    expect(audited(3, { queries: 3200, hits: 0 }).drift).toBeNull();
  });

  it('end a drift once they agree', () => {
    const audit = audited(2, { hits: 0 });
    send(audit, 16);
    audit.observe(scrape(4800, 960), true);
    expect(audit.drift).toBeNull();
  });

  it.each([
    ['a request is in flight', scrape(1600, 0), false],
    ['the engine still works', scrape(1600, 0, { running: 1 }), true],
    ['the load is not known', null, true],
    ['they are not reported', scrape(1600, 0, { prefixCacheHits: null }), true],
    ['they went back', scrape(-1, 0), true],
  ] as const)('are left alone where %s', (_, seen, isQuiet) => {
    const audit = new CounterAudit();
    audit.observe(scrape(0, 0), true);
    send(audit, 16);
    expect(audit.observe(seen, isQuiet)).toBe(false);
  });

  it('are left alone where answers are seen, or a prompt was not counted', () => {
    const seen = new CounterAudit();
    seen.observe(scrape(0, 0), true);
    send(seen, 16, true);
    expect(seen.observe(scrape(1600, 0), true)).toBe(false);
    const uncounted = new CounterAudit();
    uncounted.observe(scrape(0, 0), true);
    send(uncounted, 16);
    uncounted.book({ promptTokens: null, predicted: null, observesResponse: false });
    expect(uncounted.observe(scrape(1600, 0), true)).toBe(false);
  });

  it('are compared with the last scrape before own requests, whatever others sent until then', () => {
    const audit = new CounterAudit();
    audit.observe(scrape(0, 0), true);
    audit.observe(scrape(90_000, 0, { running: 1 }), true);
    audit.observe(scrape(100_000, 0), true);
    send(audit, 16);
    expect(audit.observe(scrape(101_600, 960), true)).toBe(true);
    expect(audit.drift).toBeNull();
  });

  it('are compared under constant load after many requests', () => {
    const audit = new CounterAudit();
    audit.observe(scrape(0, 0), true);
    send(audit, 512);
    expect(audit.observe(scrape(51_200, 30_000, { running: 2 }), false)).toBe(true);
  });
});
