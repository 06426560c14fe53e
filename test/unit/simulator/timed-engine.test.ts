import { describe, expect, it } from '@jest/globals';
import { createSimulatedClock } from '../../../sidecar/simulator/simulated-clock.ts';
import { createTimedEngine } from '../../../sidecar/simulator/timed-engine.ts';

/** An engine of 64 blocks of 16 tokens that computes 1000 tokens a second and takes 10 ms a step. */
const createBench = () => {
  const clock = createSimulatedClock();
  const events: string[] = [];
  const engine = createTimedEngine({
    clock,
    blockSize: 16,
    cacheTokens: 1024,
    maxBatchedTokens: 512,
    maxRunningRequests: 8,
    stepTimes: { prefillTokensPerSecond: 1000, stepBaseMs: 10, stepMsPerDecode: 1 },
    onEvents: (batch) => events.push(...batch.map(({ kind }) => kind)),
  });
  return {
    engine,
    events,
    /** Runs one request to its end: when its first and last token came, and what was cached. */
    serve: (promptTokenIds: Int32Array, outputTokens: number) => {
      const beginMs = clock.now();
      const outcome = { firstTokenMs: -1, finishedMs: -1, cachedTokens: -1 };
      engine.submit({
        promptTokenIds,
        outputTokens,
        outputTokenId: 99_999,
        onFirstToken: (cachedTokens) => {
          outcome.firstTokenMs = clock.now() - beginMs;
          outcome.cachedTokens = cachedTokens;
        },
        onFinished: () => {
          outcome.finishedMs = clock.now() - beginMs;
        },
      });
      while (clock.step());
      return outcome;
    },
  };
};

const prompt = (first: number, tokens: number): Int32Array =>
  Int32Array.from({ length: tokens }, (_, at) => first + at);

describe('an engine without sockets', () => {
  it('takes the time of its prompt, then of each token', () => {
    const { serve } = createBench();
    expect(serve(prompt(0, 200), 3)).toEqual({ firstTokenMs: 210, finishedMs: 232, cachedTokens: 0 });
  });

  it('computes only what is not cached, and the last token always', () => {
    const { serve } = createBench();
    serve(prompt(0, 160), 1);
    expect(serve(prompt(0, 160), 1)).toMatchObject({ firstTokenMs: 26, cachedTokens: 144 });
  });

  it('forgets what was not used for longest, and says so in its events', () => {
    const { serve, events } = createBench();
    serve(prompt(0, 512), 1);
    serve(prompt(10_000, 512), 1);
    serve(prompt(20_000, 512), 1);
    expect(events).toContain('removed');
    expect(serve(prompt(20_000, 512), 1).cachedTokens).toBe(496);
    expect(serve(prompt(0, 512), 1).cachedTokens).toBe(0);
  });

  it('says what fits at all', () => {
    const { engine } = createBench();
    expect([engine.fits(1024), engine.fits(1025)]).toEqual([true, false]);
    expect([engine.runningRequests, engine.waitingRequests, engine.usage]).toEqual([0, 0, 0]);
  });
});
