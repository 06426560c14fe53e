import { describe, expect, it } from '@jest/globals';
import { endpointId, poolName, seededRandom, silentMetrics } from '../../../sidecar/core/index.ts';
import { createInferredLedger, createWorkTally, type InferredEntry } from '../../../sidecar/pool/index.ts';
import { load } from '../../support/candidates.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const a = endpointId('pool/a');
const BLOCK = 16;

interface EngineRequest {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly onStored: (coveredTokens: number) => void;
  readonly onGenerated: () => void;
}

/** An engine that prefills one request at a time in chunks of 512 tokens, 51 ms each, and decodes at 20 ms a token. */
const createEngine = (clock: FakeClock) => {
  const queue: EngineRequest[] = [];
  const truth = { requests: 0, awaiting: 0, finished: 0, firstTokens: 0 };
  let isPrefilling = false;

  const decode = (request: EngineRequest, produced: number): void => {
    if (produced >= request.outputTokens) {
      truth.requests -= 1;
      truth.finished += 1;
      return;
    }
    clock.schedule(20 * BLOCK, () => {
      request.onGenerated();
      decode(request, produced + BLOCK);
    });
  };
  const prefill = (request: EngineRequest, done: number): void => {
    if (done >= request.promptTokens) {
      truth.awaiting -= 1;
      truth.firstTokens += 1;
      decode(request, 0);
      next();
      return;
    }
    clock.schedule(51, () => {
      const now = Math.min(request.promptTokens, done + 512);
      request.onStored(Math.floor(now / BLOCK) * BLOCK);
      prefill(request, now);
    });
  };
  const next = (): void => {
    const request = queue.shift();
    isPrefilling = request !== undefined;
    if (request !== undefined) prefill(request, 0);
  };
  return {
    truth,
    send: (request: EngineRequest): void => {
      truth.requests += 1;
      truth.awaiting += 1;
      queue.push(request);
      if (!isPrefilling) next();
    },
  };
};

/** What an endpoint shows of itself to an edge that sees no response. */
interface Signals {
  readonly events: boolean;
  readonly generated: boolean;
  readonly scrapes: boolean;
}

/** Mean error of the inferred counts as a share of the mean truth, over two minutes of four requests a second. */
const measure = (signals: Signals) => {
  const clock = createFakeClock();
  const random = seededRandom(11);
  const engine = createEngine(clock);
  const ledger = createInferredLedger({
    clock,
    pool: poolName('pool'),
    metrics: silentMetrics,
    tally: createWorkTally(),
    seesEvents: () => signals.events,
  });
  const route = (): void => {
    const promptTokens = 200 + Math.floor(2800 * random());
    const entry: InferredEntry = ledger.book({
      endpointId: a,
      promptTokens,
      uncachedTokens: promptTokens,
      fullBlockTokens: Math.floor(promptTokens / BLOCK) * BLOCK,
      coveredTokens: 0,
    });
    engine.send({
      promptTokens,
      outputTokens: 20 + Math.floor(300 * random()),
      onStored: (covered) => signals.events && entry.progress(covered),
      onGenerated: () => signals.generated && entry.generated(BLOCK),
    });
  };
  const scrape = (): void => {
    const { requests, finished, firstTokens } = engine.truth;
    const atMs = clock.now();
    const figures = { running: requests, finishedRequests: finished, firstTokens, sentAtMs: atMs, readAtMs: atMs };
    ledger.observeLoad(a, load(figures));
  };
  const totals = { requests: 0, awaiting: 0, requestError: 0, awaitingError: 0 };
  for (let tick = 0; tick < 2400; tick += 1) {
    clock.advanceSync(50);
    if (signals.scrapes && tick % 20 === 0) scrape();
    if (random() < 0.2) route();
    const { requests, awaitingFirstToken } = ledger.work(a);
    totals.requests += engine.truth.requests;
    totals.awaiting += engine.truth.awaiting;
    totals.requestError += Math.abs(requests - engine.truth.requests);
    totals.awaitingError += Math.abs(awaitingFirstToken - engine.truth.awaiting);
  }
  return {
    requests: totals.requestError / totals.requests,
    awaiting: totals.awaitingError / totals.awaiting,
  };
};

describe('inferred ledger against an engine whose truth is known', () => {
  it('finds first tokens by events and ends by scrapes', () => {
    const error = measure({ events: true, generated: true, scrapes: true });
    expect(error.awaiting).toBeLessThan(0.01);
    expect(error.requests).toBeLessThan(0.15);
  });

  it.each<[string, Signals, requests: number, awaiting: number]>([
    ['without generated blocks', { events: true, generated: false, scrapes: true }, 0.15, 0.01],
    ['without scrapes', { events: true, generated: true, scrapes: false }, 0.25, 0.01],
    // Between two scrapes every new request counts as waiting, though most wait for less than a second.
    ['without events', { events: false, generated: false, scrapes: true }, 0.15, 1],
  ])('stays near the truth %s', (_case, signals, requests, awaiting) => {
    const error = measure(signals);
    expect(error.requests).toBeLessThan(requests);
    expect(error.awaiting).toBeLessThan(awaiting);
  });

  it('takes decoding for longer than it is, by at most ten seconds, with neither scrapes nor generated blocks', () => {
    const error = measure({ events: true, generated: false, scrapes: false });
    expect(error.awaiting).toBeLessThan(0.01);
    expect(error.requests).toBeLessThan(2);
  });
});
