import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { endpointId, type Metrics, poolName, silentMetrics } from '../../../sidecar/core/index.ts';
import { createLedger, createWorkTally, type LedgerEntry } from '../../../sidecar/pool/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const a = endpointId('pool/a');
const b = endpointId('pool/b');
const nothing = { requests: 0, promptTokens: 0, uncachedTokens: 0, awaitingFirstToken: 0 };

const createWorld = (options: { readonly maxAgeMs?: number } = {}) => {
  const clock = createFakeClock();
  const ends: string[] = [];
  const metrics: Metrics = {
    ...silentMetrics,
    count: (name, labels) => ends.push(`${name} ${labels?.['ledger']} ${labels?.['reason']}`),
  };
  const tally = createWorkTally();
  const ledger = createLedger({ clock, pool: poolName('pool'), metrics, tally, ...options });
  return { clock, ends, tally, ledger };
};

const request = { endpointId: a, promptTokens: 1000, uncachedTokens: 600 };

describe('ledger', () => {
  it('knows of no work where nothing was booked', () => {
    expect(createWorld().ledger.work(a)).toEqual(nothing);
  });

  it('adds up what was booked on an endpoint', () => {
    const { ledger } = createWorld();
    ledger.book(request);
    ledger.book({ ...request, promptTokens: 50, uncachedTokens: 16 });
    ledger.book({ ...request, endpointId: b });
    expect(ledger.work(a)).toEqual({ requests: 2, promptTokens: 1050, uncachedTokens: 616, awaitingFirstToken: 2 });
    expect(ledger.work(b)).toEqual({ requests: 1, promptTokens: 1000, uncachedTokens: 600, awaitingFirstToken: 1 });
  });

  it('takes the uncached tokens off with the first token and the rest with the end', () => {
    const { ledger } = createWorld();
    const entry = ledger.book(request);
    entry.firstToken();
    expect(ledger.work(a)).toEqual({ requests: 1, promptTokens: 1000, uncachedTokens: 0, awaitingFirstToken: 0 });
    entry.end();
    expect(ledger.work(a)).toEqual(nothing);
  });

  it.each([
    // 1000 tokens, 400 of them cached: the first 400 that the engine holds are no progress.
    ['less than what was cached', 300, 600],
    ['what was cached', 400, 600],
    ['half of the rest', 700, 300],
    ['all full blocks', 992, 8],
    ['more than the prompt', 1008, 0],
  ])('leaves what is not covered to be computed: %s', (_case, covered, left) => {
    const { ledger } = createWorld();
    ledger.book(request).progress(covered);
    expect(ledger.work(a).uncachedTokens).toBe(left);
  });

  it('never takes progress back', () => {
    const { ledger } = createWorld();
    const entry = ledger.book(request);
    entry.progress(900);
    entry.progress(500);
    expect(ledger.work(a).uncachedTokens).toBe(100);
  });

  it('counts each end once, by how the request ended', () => {
    const { ledger, ends } = createWorld();
    const entry = ledger.book(request);
    entry.end('aborted');
    entry.end('completed');
    entry.firstToken();
    entry.progress(10);
    expect(ledger.work(a)).toEqual(nothing);
    expect(ends).toEqual(['ledger_ends_total observed aborted']);
  });

  it.each<[string, (entry: LedgerEntry) => void]>([
    ['the first token', (entry) => entry.firstToken()],
    ['an end without one', (entry) => entry.end('failed')],
  ])('says once that prefill is over: %s', (_case, act) => {
    const { ledger } = createWorld();
    let calls = 0;
    const entry = ledger.book({
      ...request,
      onPrefillOver: () => {
        calls += 1;
      },
    });
    act(entry);
    act(entry);
    entry.end();
    expect(calls).toBe(1);
  });

  it('drops what nobody ended within the longest age, and counts it', async () => {
    const { ledger, clock, ends } = createWorld({ maxAgeMs: 1000 });
    let isOver = false;
    ledger.book({
      ...request,
      onPrefillOver: () => {
        isOver = true;
      },
    });
    await clock.advance(600);
    const young = ledger.book({ ...request, promptTokens: 7, uncachedTokens: 7 });
    await clock.advance(401);
    expect(ledger.work(a)).toMatchObject({ requests: 1, promptTokens: 7 });
    expect(ends).toEqual(['ledger_ends_total observed expired']);
    expect(isOver).toBe(true);
    young.end();
    expect(ledger.work(a)).toEqual(nothing);
  });

  it('hands out the same sums until they change', () => {
    const { ledger } = createWorld();
    const entry = ledger.book(request);
    const before = ledger.work(a);
    expect(ledger.work(a)).toBe(before);
    entry.progress(900);
    expect(ledger.work(a)).not.toBe(before);
    expect(before.uncachedTokens).toBe(600);
  });

  it('adds up with other ledgers of the same tally', () => {
    const { ledger, tally, clock } = createWorld();
    const other = createLedger({ clock, pool: poolName('pool'), metrics: silentMetrics, tally });
    ledger.book(request);
    other.book(request);
    expect(ledger.work(a).requests).toBe(2);
    expect(other.work(a)).toBe(ledger.work(a));
  });

  it('leaves nothing behind whatever the order of calls', () => {
    const step = fc.record({
      entry: fc.nat(9),
      act: fc.constantFrom('book', 'firstToken', 'progress', 'end'),
      endpoint: fc.constantFrom(a, b),
      tokens: fc.nat(5000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { ledger } = createWorld();
        const entries: (LedgerEntry | undefined)[] = [];
        const booked: LedgerEntry[] = [];
        for (const { entry: position, act, endpoint, tokens } of steps) {
          const entry = entries[position];
          if (act === 'book') {
            const next = ledger.book({
              endpointId: endpoint,
              promptTokens: tokens,
              uncachedTokens: Math.max(16, Math.floor(tokens / 2)),
            });
            entries[position] = next;
            booked.push(next);
          } else if (act === 'progress') entry?.progress(tokens);
          else entry?.[act]();
          for (const id of [a, b]) {
            const work = ledger.work(id);
            expect(Math.min(...Object.values(work))).toBeGreaterThanOrEqual(0);
            expect(work.awaitingFirstToken).toBeLessThanOrEqual(work.requests);
          }
        }
        for (const entry of booked) entry.end();
        expect([ledger.work(a), ledger.work(b)]).toEqual([nothing, nothing]);
      }),
    );
  });
});
