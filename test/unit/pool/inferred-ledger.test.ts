import { describe, expect, it } from '@jest/globals';
import { endpointId, type Metrics, poolName, silentMetrics } from '../../../sidecar/core/index.ts';
import {
  createInferredLedger,
  createLedger,
  createWorkTally,
  type EndpointLoad,
  type InferredBooking,
  type InferredEntry,
} from '../../../sidecar/pool/index.ts';
import { load } from '../../support/candidates.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const a = endpointId('pool/a');

/** An endpoint of 16-token blocks behind an inferred ledger; `events` says whether its events arrive. */
const createWorld = (options: { readonly events?: boolean; readonly share?: 'whole' | 'measured' } = {}) => {
  const clock = createFakeClock();
  const ends: string[] = [];
  const over: string[] = [];
  const metrics: Metrics = { ...silentMetrics, count: (_name, labels) => ends.push(labels?.['reason'] ?? '') };
  const tally = createWorkTally();
  const state = { seesEvents: options.events ?? true };
  const ledger = createInferredLedger({
    clock,
    pool: poolName('pool'),
    metrics,
    tally,
    seesEvents: () => state.seesEvents,
    ...(options.share === undefined ? {} : { share: options.share }),
  });
  return {
    clock,
    ledger,
    tally,
    ends,
    /** Names of the requests whose prefill is over, in order. */
    over,
    state,
    work: () => ledger.work(a),
    /** Books a cold prompt of 1000 tokens, 62 full blocks, unless told otherwise. */
    book: (name = '', changes: Partial<InferredBooking> = {}): InferredEntry =>
      ledger.book({
        endpointId: a,
        promptTokens: 1000,
        uncachedTokens: 1000,
        fullBlockTokens: 992,
        coveredTokens: 0,
        onPrefillOver: () => over.push(name),
        ...changes,
      }),
    /** A scrape that was sent and read at this moment, or sent `agoMs` before. */
    scrape: (figures: Partial<EndpointLoad>, agoMs = 0) =>
      ledger.observeLoad(a, load({ ...figures, sentAtMs: clock.now() - agoMs, readAtMs: clock.now() })),
  };
};

describe('inferred ledger, rule 1: awaiting the first token', () => {
  it('counts down what remains as the endpoint comes to hold the prompt', () => {
    const { book, work } = createWorld();
    // 400 of 1000 tokens were cached, of the 992 in full blocks.
    const entry = book('', { uncachedTokens: 600, coveredTokens: 400 });
    expect(work()).toEqual({ requests: 1, promptTokens: 1000, uncachedTokens: 600, awaitingFirstToken: 1 });
    entry.progress(400);
    expect(work().uncachedTokens).toBe(600);
    entry.progress(800);
    expect(work()).toMatchObject({ uncachedTokens: 200, awaitingFirstToken: 1 });
  });

  it('ends when all full blocks are held', () => {
    const { book, work, over } = createWorld();
    const entry = book('x');
    entry.progress(976);
    expect(over).toEqual([]);
    entry.progress(992);
    expect(work()).toEqual({ requests: 1, promptTokens: 1000, uncachedTokens: 0, awaitingFirstToken: 0 });
    expect(over).toEqual(['x']);
  });

  it.each([
    ['all full blocks were held at the decision', { coveredTokens: 992, uncachedTokens: 16 }],
    ['the prompt has no full block', { promptTokens: 10, uncachedTokens: 16, fullBlockTokens: 0 }],
  ])('ends 0.1 s after the decision where %s', async (_case, changes) => {
    const { book, work, over, clock } = createWorld();
    const entry = book('x', changes);
    await clock.advance(50);
    entry.progress(992);
    expect(work().awaitingFirstToken).toBe(1);
    await clock.advance(49);
    expect(work().awaitingFirstToken).toBe(1);
    await clock.advance(1);
    expect(work().awaitingFirstToken).toBe(0);
    expect(over).toEqual(['x']);
  });

  it('ends with a generated block, whatever of the prompt was seen', () => {
    const { book, work } = createWorld();
    book().generated(16);
    expect(work().awaitingFirstToken).toBe(0);
  });
});

describe('inferred ledger, rule 2: the end by scrapes', () => {
  it('drops the oldest beyond the running and waiting requests', async () => {
    const { book, work, scrape, over, ends, clock } = createWorld();
    for (const name of ['x', 'y', 'z']) {
      book(name);
      await clock.advance(10);
    }
    scrape({ running: 1, waiting: 1 });
    expect(work()).toMatchObject({ requests: 2, awaitingFirstToken: 2 });
    expect(over).toEqual(['x']);
    expect(ends).toEqual(['trimmed']);
  });

  it('allows for decisions made since the scrape was sent', async () => {
    const { book, work, scrape, over, clock } = createWorld();
    book('x');
    book('y');
    await clock.advance(100);
    book('z');
    await clock.advance(20);
    // Sent between y and z: it says that one of x and y is left.
    scrape({ running: 1 }, 50);
    expect(work().requests).toBe(2);
    expect(over).toEqual(['x']);
  });

  it('keeps all while the engine has as many or more', () => {
    const { book, work, scrape } = createWorld();
    book();
    book();
    scrape({ running: 2, waiting: 5 });
    expect(work().requests).toBe(2);
  });

  it('empties with an idle engine', async () => {
    const { book, work, scrape, clock } = createWorld();
    book();
    book();
    await clock.advance(10);
    scrape({});
    expect(work()).toEqual({ requests: 0, promptTokens: 0, uncachedTokens: 0, awaitingFirstToken: 0 });
  });

  it('drops the longest without a generated block where such blocks are seen', async () => {
    const { book, scrape, work, ends, clock } = createWorld();
    const [x, y] = [book('x'), book('y', { promptTokens: 500, uncachedTokens: 500 })];
    book('waiting', { promptTokens: 30, uncachedTokens: 30 });
    for (const entry of [x, y]) entry.progress(992);
    await clock.advance(100);
    y.generated(16);
    await clock.advance(100);
    x.generated(16);
    await clock.advance(10);
    scrape({ running: 2 });
    // y, the younger of the two, has been silent for longer; the one that waits for its first token cannot be.
    expect(ends).toEqual(['trimmed']);
    expect(work()).toMatchObject({ requests: 2, promptTokens: 1030, awaitingFirstToken: 1 });
  });

  it('leaves out requests that another ledger counts', async () => {
    const { book, scrape, work, tally, clock } = createWorld();
    const observed = createLedger({ clock, pool: poolName('pool'), metrics: silentMetrics, tally });
    observed.book({ endpointId: a, promptTokens: 10, uncachedTokens: 16 });
    book();
    book();
    await clock.advance(10);
    scrape({ running: 3 });
    expect(work().requests).toBe(3);
    await clock.advance(10);
    // Two are left, and one of them is the observed one.
    scrape({ running: 2 });
    expect(work().requests).toBe(2);
  });
});

describe('inferred ledger, share of arrivals', () => {
  it('is measured by the counters where other routers send requests too', async () => {
    const { book, scrape, work, clock } = createWorld({ share: 'measured' });
    // Half of the arrivals are ours: 20 rounds of one own and one foreign request, each over by the next scrape.
    scrape({ finishedRequests: 0, firstTokens: 0 });
    for (let round = 1; round <= 20; round += 1) {
      await clock.advance(500);
      book().end();
      await clock.advance(500);
      scrape({ finishedRequests: 2 * round, firstTokens: 2 * round });
    }
    for (let own = 0; own < 4; own += 1) book();
    await clock.advance(10);
    scrape({ running: 8, finishedRequests: 40, firstTokens: 40 });
    expect(work().requests).toBe(4);
    await clock.advance(1000);
    // Four of the eight ended, so about two of ours did.
    scrape({ running: 4, finishedRequests: 44, firstTokens: 48 });
    expect(work().requests).toBe(2);
  });

  it('is 1 as long as few arrivals were seen', async () => {
    const { book, scrape, work, clock } = createWorld({ share: 'measured' });
    scrape({ finishedRequests: 0 });
    book();
    book();
    await clock.advance(10);
    scrape({ running: 2, finishedRequests: 2 });
    expect(work().requests).toBe(2);
  });
});

describe('inferred ledger, rule 3: the end without scrapes', () => {
  it('comes 10 s after the first token where no generated blocks are seen', async () => {
    const { book, work, ends, clock } = createWorld();
    const entry = book();
    await clock.advance(5000);
    entry.progress(992);
    await clock.advance(9900);
    expect(work().requests).toBe(1);
    await clock.advance(400);
    expect(work().requests).toBe(0);
    expect(ends).toEqual(['silent']);
  });

  it('comes 32 decode steps after the last own block, by the pace of earlier blocks', async () => {
    const { book, work, clock } = createWorld();
    const entry = book();
    entry.progress(992);
    // 16 tokens in 480 ms: 30 ms a step, 32 steps are 960 ms.
    for (let block = 0; block < 5; block += 1) {
      await clock.advance(480);
      entry.generated(16);
    }
    await clock.advance(950);
    expect(work().requests).toBe(1);
    await clock.advance(300);
    expect(work().requests).toBe(0);
  });

  it('waits for two blocks where blocks are larger than 16 tokens', async () => {
    const { book, work, clock } = createWorld();
    const entry = book();
    entry.progress(992);
    // 128 tokens in 1280 ms: 10 ms a step, two blocks are 2560 ms.
    for (let block = 0; block < 3; block += 1) {
      await clock.advance(1280);
      entry.generated(128);
    }
    await clock.advance(2500);
    expect(work().requests).toBe(1);
    await clock.advance(400);
    expect(work().requests).toBe(0);
  });

  it('does not come for a request that awaits its first token', async () => {
    const { book, work, clock } = createWorld();
    book();
    await clock.advance(60_000);
    expect(work()).toMatchObject({ requests: 1, awaitingFirstToken: 1 });
  });

  it('does not come while there are scrapes', async () => {
    const { book, work, scrape, clock, ledger } = createWorld();
    book().progress(992);
    scrape({ running: 1 });
    await clock.advance(60_000);
    expect(work().requests).toBe(1);
    ledger.observeLoad(a, null);
    await clock.advance(300);
    expect(work().requests).toBe(0);
  });
});

describe('inferred ledger, rule 4: no events', () => {
  const blind = { fullBlockTokens: null } as const;

  it('has the newest requests await their first token, by the counters', async () => {
    const { book, scrape, work, over, clock } = createWorld({ events: false });
    for (const name of ['x', 'y', 'z']) book(name);
    await clock.advance(10);
    // Three requests there, 7 finished, 9 first tokens: two of the three have theirs.
    scrape({ running: 3, finishedRequests: 7, firstTokens: 9 });
    expect(over).toEqual(['y', 'x']);
    expect(work()).toMatchObject({ requests: 3, uncachedTokens: 1000, awaitingFirstToken: 1 });
  });

  it('adds the decisions made since the scrape was sent', async () => {
    const { book, scrape, work, clock } = createWorld({ events: false });
    book('x');
    await clock.advance(100);
    book('y');
    scrape({ running: 1, finishedRequests: 0, firstTokens: 1 }, 50);
    expect(work()).toMatchObject({ requests: 2, awaitingFirstToken: 1 });
  });

  it('holds for prompts whose blocks are unknown though events arrive', async () => {
    const { book, scrape, over, clock } = createWorld();
    book('known');
    book('unknown', blind);
    await clock.advance(10);
    scrape({ running: 2, finishedRequests: 0, firstTokens: 2 });
    expect(over).toEqual(['unknown']);
  });

  it('corrects counters that drifted apart by aborted requests', async () => {
    const { book, scrape, work, clock } = createWorld({ events: false });
    // An idle engine with 5 more first tokens than finished requests: 5 were aborted while they ran.
    scrape({ running: 0, finishedRequests: 10, firstTokens: 15 });
    book();
    await clock.advance(10);
    scrape({ running: 1, finishedRequests: 10, firstTokens: 15 });
    expect(work().awaitingFirstToken).toBe(1);
    await clock.advance(10);
    scrape({ running: 1, finishedRequests: 10, firstTokens: 16 });
    expect(work().awaitingFirstToken).toBe(0);
  });

  it('goes by the queue where the engine reports no counters', async () => {
    const { book, scrape, work, clock } = createWorld({ events: false });
    book();
    book();
    await clock.advance(10);
    scrape({ running: 1, waiting: 1 });
    expect(work()).toMatchObject({ requests: 2, awaitingFirstToken: 1 });
  });

  it('takes a first token for granted after a second without scrapes too, and the end 10 s later', async () => {
    const { book, work, clock } = createWorld({ events: false });
    book();
    await clock.advance(900);
    expect(work().awaitingFirstToken).toBe(1);
    await clock.advance(400);
    expect(work()).toMatchObject({ requests: 1, awaitingFirstToken: 0 });
    await clock.advance(10_000);
    expect(work().requests).toBe(0);
  });

  it('takes over when events cease', async () => {
    const { book, scrape, state, over, clock } = createWorld();
    book('x');
    await clock.advance(10);
    state.seesEvents = false;
    scrape({ running: 1, finishedRequests: 0, firstTokens: 1 });
    expect(over).toEqual(['x']);
  });
});

describe('inferred ledger', () => {
  it('takes what is known all the same: an end that is reported', () => {
    const { book, work, ends, over } = createWorld();
    const entry = book('x');
    entry.end();
    entry.end();
    entry.generated(16);
    entry.progress(992);
    entry.firstToken();
    expect(work().requests).toBe(0);
    expect(ends).toEqual(['reported']);
    expect(over).toEqual(['x']);
  });

  it('drops every request of an endpoint that is gone', () => {
    const { book, work, ledger, over, ends } = createWorld();
    book('x');
    book('y').progress(992);
    ledger.drop(a);
    expect(work().requests).toBe(0);
    expect([...over].sort()).toEqual(['x', 'y']);
    expect(ends).toEqual(['dropped', 'dropped']);
  });

  it('never keeps a request beyond the longest age', async () => {
    const { book, scrape, work, ends, clock } = createWorld();
    scrape({ running: 1 });
    book();
    await clock.advance(1_800_300);
    expect(work().requests).toBe(0);
    expect(ends).toEqual(['expired']);
  });

  it('rests while it has no requests', async () => {
    const { book, clock } = createWorld();
    expect(clock.pending).toBe(0);
    book().end();
    await clock.advance(300);
    expect(clock.pending).toBe(0);
  });
});
