import { describe, expect, it } from '@jest/globals';
import { replayEnd } from '../../support/event-payloads.ts';
import { createStreamHarness } from '../../support/stream-harness.ts';
import { engine, expectTrue, feed, joined, statesOf, steps } from '../../support/stream-steps.ts';

describe('gaps', () => {
  it('are filled by a replay that begins with the last batch applied, while live batches wait', () => {
    const source = engine();
    steps(source, 3);
    const harness = joined(source);
    steps(source, 2);
    const [later] = steps(source, 1);
    harness.stream.receive(later ?? []);
    expect(harness.replay.current.from).toBe(2);
    expect(harness.stream.report()).toMatchObject({ state: 'replaying', trust: 'degraded', gaps: 1, queuedBatches: 1 });
    harness.replay.current.answer(...source.replay(2));
    expectTrue(harness, source);
    expect(statesOf(harness).slice(2)).toEqual(['live → gap', 'gap → replaying', 'replaying → live']);
  });

  it('may come again behind the first one', () => {
    const source = engine();
    const harness = joined(source);
    const messages = steps(source, 12);
    feed(
      harness,
      [messages[0], messages[3], messages[4], messages[8], messages[11]].map((frames) => frames ?? []),
    );
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('close by themselves where the missing batch comes late after all', () => {
    const source = engine();
    const harness = joined(source);
    const [first, second, third] = steps(source, 3);
    feed(harness, [first ?? [], third ?? [], second ?? []]);
    expect(harness.stream.report()).toMatchObject({ lastSequence: 2, queuedBatches: 0 });
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('are written off where there is no replay endpoint', () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 3));
    steps(source, 2);
    feed(harness, steps(source, 1));
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'degraded',
      reason: 'batches-lost',
      batchesLost: 2,
      lastSequence: 5,
      gaps: 1,
    });
    expect(harness.stream.trust().missingShare).toBeCloseTo(2 / 6);
  });

  it('are written off as far as the buffer no longer reaches', () => {
    const source = engine({ bufferBatches: 4 });
    steps(source, 2);
    const harness = joined(source);
    steps(source, 10);
    feed(harness, steps(source, 1));
    harness.replay.current.answer(...source.replay(harness.replay.current.from));
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'degraded',
      batchesLost: 7,
      lastSequence: 12,
    });
  });

  it('that the engine can never fill count as lost after one more try', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    steps(source, 1);
    feed(harness, steps(source, 2));
    const without2 = () => source.replay(1).filter((frames) => frames.at(-2)?.at(-1) !== 2);
    harness.replay.current.answer(...without2());
    expect(harness.replay.current.from).toBe(1);
    harness.replay.current.answer(...without2());
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'degraded',
      batchesLost: 1,
      lastSequence: 4,
    });
  });

  it('are written off up to the first waiting batch where the replay brings nothing new', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    steps(source, 1);
    feed(harness, steps(source, 2));
    harness.replay.current.answer(replayEnd);
    expect(harness.stream.report()).toMatchObject({ state: 'live', batchesLost: 1, lastSequence: 4 });
  });

  it('take what a reply left out from the live batches that wait', () => {
    const source = engine();
    const harness = joined(source);
    const messages = steps(source, 5);
    feed(
      harness,
      [0, 2, 4].map((sequence) => messages[sequence] ?? []),
    );
    const replies = source.replay(0);
    harness.replay.current.answer(...[0, 1, 3].map((sequence) => replies[sequence] ?? []), replayEnd);
    expectTrue(harness, source);
    expect(harness.replay.requests).toHaveLength(2);
  });

  it('do not overrun the queue: what it cannot hold is fetched by a second replay', () => {
    const source = engine();
    const harness = createStreamHarness({ timing: { maxQueuedBatches: 2 } });
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(0));
    feed(harness, steps(source, 1));
    steps(source, 1);
    feed(harness, steps(source, 2));
    const replies = source.replay(0);
    feed(harness, steps(source, 4));
    harness.replay.current.answer(...replies);
    expect(harness.replay.requests).toHaveLength(3);
    harness.replay.current.answer(...source.replay(3));
    expectTrue(harness, source);
  });
});

describe('duplicates', () => {
  it('are dropped by number, whether recent or late', () => {
    const source = engine();
    const harness = joined(source);
    const messages = steps(source, 1_500);
    feed(harness, [...messages, ...messages.slice(-3), messages[0] ?? [], messages[5] ?? []]);
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ duplicateFrames: 5, restarts: 0 });
  });

  it('of a batch that was written off are dropped, too', () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    const [first, second, third] = steps(source, 3);
    feed(harness, [first ?? [], third ?? [], second ?? []]);
    expect(harness.stream.report()).toMatchObject({ batchesLost: 1, duplicateFrames: 1, restarts: 0, lastSequence: 2 });
  });
});
