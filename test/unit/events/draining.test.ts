import { describe, expect, it } from '@jest/globals';
import { seededRandom, silentMetrics } from '../../../sidecar/core/index.ts';
import { createTurnQueue } from '../../../sidecar/events/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createModelEngine } from '../../support/model-engine.ts';
import { createStreamHarness } from '../../support/stream-harness.ts';

/** A stream that joins while 50 live batches wait, in turns that the test ends; every look at the clock takes 0.2 ms. */
const setUp = () => {
  const clock = createFakeClock();
  const ticking = {
    ...clock,
    now: () => {
      clock.advanceSync(0.2);
      return clock.now();
    },
  };
  const turns: (() => void)[] = [];
  const queue = createTurnQueue({
    clock: ticking,
    metrics: silentMetrics,
    budgetMs: 1,
    nextTurn: (action) => turns.push(action),
  });
  const source = createModelEngine(seededRandom(5));
  const harness = createStreamHarness({ turns: queue, clock });
  harness.stream.connected();
  source.step();
  for (let i = 0; i < 50; i += 1) {
    harness.stream.receive(source.step());
  }
  const endTurn = () => turns.shift()?.();
  const answer = [...source.replay(0).slice(0, 1), ...source.replay(51)];
  const finishReplay = () => void queue.run(() => harness.replay.current.answer(...answer));
  return { source, harness, endTurn, finishReplay, turns };
};

describe('batches that waited for a replay', () => {
  it('are applied a few a turn, in order, until none is left', () => {
    const { source, harness, endTurn, finishReplay, turns } = setUp();
    expect(harness.stream.report()).toMatchObject({ queuedBatches: 50, lastSequence: null });
    finishReplay();
    const perTurn: number[] = [];
    let last = harness.stream.lastSequence ?? -1;
    expect(last).toBeLessThan(40);
    while (turns.length > 0) {
      endTurn();
      perTurn.push((harness.stream.lastSequence ?? -1) - last);
      last = harness.stream.lastSequence ?? -1;
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(8);
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'exact',
      lastSequence: 50,
      queuedBatches: 0,
    });
    expect(harness.index.contents(harness.endpoint)).toEqual(source.contents());
  });

  it('let new live batches queue behind them without another replay', () => {
    const { source, harness, endTurn, finishReplay, turns } = setUp();
    finishReplay();
    harness.stream.receive(source.step());
    expect(harness.replay.requests).toHaveLength(1);
    while (turns.length > 0) endTurn();
    expect(harness.index.contents(harness.endpoint)).toEqual(source.contents());
  });

  it('are dropped when the stream is closed meanwhile', () => {
    const { harness, endTurn, finishReplay, turns } = setUp();
    finishReplay();
    harness.stream.close('unfollowed');
    const { lastSequence } = harness.stream;
    while (turns.length > 0) endTurn();
    expect(harness.stream.lastSequence).toBe(lastSequence);
  });
});
