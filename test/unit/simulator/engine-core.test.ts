import { describe, expect, it } from '@jest/globals';
import type { CacheEvent } from '../../../sidecar/simulator/cache-event.ts';
import { EngineCore } from '../../../sidecar/simulator/engine-core.ts';
import type { GenerationRequest } from '../../../sidecar/simulator/engine-request.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const stepTimes = { prefillTokensPerSecond: 1000, stepBaseMs: 10, stepMsPerDecode: 1 };

const createBench = (options: { readonly timeScale?: number; readonly maxBatchedTokens?: number } = {}) => {
  const clock = createFakeClock();
  const published: (readonly CacheEvent['kind'][])[] = [];
  const core = new EngineCore({
    blocks: 200,
    blockSize: 16,
    maxBatchedTokens: options.maxBatchedTokens ?? 100,
    maxRunningRequests: 8,
    reusesUncachedFirst: true,
    hashSeed: 0n,
    stepTimes,
    timeScale: options.timeScale ?? 1,
    clock,
    publish: (events) => published.push(events.map(({ kind }) => kind)),
  });
  const submit = (family: number, promptTokens: number, maxTokens: number) => {
    const tokenTimesMs: number[] = [];
    let ending: 'last' | 'aborted' | null = null;
    const source: GenerationRequest = {
      promptTokenIds: Int32Array.from({ length: promptTokens }, (_, index) => family * 1000 + index),
      maxTokens,
      lora: null,
      salt: null,
      sessionId: null,
      readsCache: true,
      reportsHits: false,
      nextToken: (index) => index,
    };
    const request = core.submit(source, {
      token: (_, isLast) => {
        tokenTimesMs.push(clock.now());
        if (isLast) ending = 'last';
      },
      aborted: () => {
        ending = 'aborted';
      },
    });
    return { request, tokenTimesMs, ending: () => ending };
  };
  return { clock, core, submit, published };
};

describe('modelled time', () => {
  it('is the base, the prefill and one step a token', async () => {
    const { clock, submit } = createBench();
    const { tokenTimesMs } = submit(1, 50, 3);
    await clock.advance(200);
    expect(tokenTimesMs).toEqual([60, 71, 82]);
  });

  it('makes prompts share the prefill rate, so that the one behind waits', async () => {
    const { clock, submit } = createBench();
    const [first, second] = [submit(1, 100, 1), submit(2, 100, 1)];
    await clock.advance(500);
    expect([first.tokenTimesMs, second.tokenTimesMs]).toEqual([[110], [220]]);
  });

  it('does not count what the cache holds', async () => {
    const { clock, submit } = createBench();
    submit(1, 97, 1);
    await clock.advance(200);
    const { tokenTimesMs } = submit(1, 98, 1);
    await clock.advance(200);
    expect(tokenTimesMs).toEqual([200 + 10 + 2]);
  });

  it('shrinks by the time scale', async () => {
    const { clock, submit } = createBench({ timeScale: 0.1 });
    const { tokenTimesMs } = submit(1, 50, 2);
    await clock.advance(20);
    expect(tokenTimesMs).toEqual([6, 7.1]);
  });

  it('does not pass at scale 0', async () => {
    const { clock, submit } = createBench({ timeScale: 0 });
    const { tokenTimesMs } = submit(1, 50, 3);
    for (let turn = 0; turn < 10; turn++) await clock.advance(0);
    expect(tokenTimesMs).toEqual([0, 0, 0]);
  });
});

describe('events', () => {
  it('of a step are published when it ends, one batch a step that had any', async () => {
    const { clock, submit, published } = createBench();
    submit(1, 160, 2);
    await clock.advance(109);
    expect(published).toEqual([]);
    await clock.advance(400);
    expect(published).toEqual([['stored'], ['stored']]);
  });

  it('of a cleared cache come first in the next step that has any', async () => {
    const { clock, core, submit, published } = createBench();
    submit(1, 16, 1);
    await clock.advance(100);
    expect(core.clearCache()).toBe(true);
    await clock.advance(1000);
    expect(published).toEqual([['stored']]);
    submit(2, 16, 1);
    await clock.advance(100);
    expect(published).toEqual([['stored'], ['cleared', 'stored']]);
  });
});

describe('giving up', () => {
  it('frees a waiting request at once and a running one at the end of the step', async () => {
    const { clock, core, submit } = createBench();
    const [running, waiting] = [submit(1, 100, 5), submit(2, 100, 5)];
    await clock.advance(50);
    core.abort(waiting.request);
    expect([core.runningRequests, core.waitingRequests]).toEqual([1, 0]);
    core.abort(running.request);
    expect([core.runningRequests, core.usage > 0]).toEqual([1, true]);
    await clock.advance(500);
    expect([core.runningRequests, core.usage]).toEqual([0, 0]);
    expect([running.tokenTimesMs, waiting.tokenTimesMs]).toEqual([[], []]);
    expect(core.figures.finishedByAbort).toBe(2);
  });

  it('does not count twice, nor after the end', async () => {
    const { clock, core, submit } = createBench();
    const { request } = submit(1, 10, 1);
    await clock.advance(100);
    core.abort(request);
    core.abort(request);
    expect([core.figures.finishedByAbort, core.figures.finishedByLength]).toEqual([0, 1]);
  });

  it('of everything comes with a pause, which takes requests but computes none until resumed', async () => {
    const { clock, core, submit } = createBench();
    const early = submit(1, 100, 5);
    await clock.advance(50);
    core.pause();
    expect([early.ending(), core.held()]).toEqual(['aborted', []]);
    const late = submit(2, 10, 1);
    await clock.advance(1000);
    expect(late.tokenTimesMs).toEqual([]);
    core.resume();
    await clock.advance(100);
    expect(late.ending()).toBe('last');
  });

  it('for good stops the clock', async () => {
    const { clock, core, submit } = createBench();
    const { tokenTimesMs } = submit(1, 10, 5);
    await clock.advance(25);
    core.stop();
    await clock.advance(1000);
    expect([tokenTimesMs, clock.pending]).toEqual([[20], 0]);
  });
});
