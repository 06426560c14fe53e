import { describe, expect, it } from '@jest/globals';
import { replayEnd } from '../../support/event-payloads.ts';
import { createStreamHarness } from '../../support/stream-harness.ts';
import { engine, expectTrue, feed, joined, statesOf, steps } from '../../support/stream-steps.ts';

describe('joining', () => {
  it('is a fallback until the publisher answers', () => {
    const { stream } = createStreamHarness();
    expect(stream.report()).toMatchObject({ state: 'connecting', trust: 'fallback', reason: 'not-connected' });
    expect(stream.isSettled).toBe(false);
  });

  it('goes stale after 5 s without a connection, warns once, and is settled for readiness', async () => {
    const { stream, clock, logger } = createStreamHarness();
    await clock.advance(4_999);
    expect(stream.report().state).toBe('connecting');
    await clock.advance(60_000);
    expect(stream.report()).toMatchObject({ state: 'stale', trust: 'fallback', reason: 'not-connected' });
    expect(stream.isSettled).toBe(true);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('comes back from stale when the publisher answers at last', async () => {
    const source = engine();
    const harness = createStreamHarness();
    await harness.clock.advance(6_000);
    steps(source, 3);
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('replays from 0 as soon as it is connected, and is exact once that is contiguous', () => {
    const source = engine();
    steps(source, 20);
    const harness = createStreamHarness();
    harness.stream.connected();
    expect(harness.replay.current.from).toBe(0);
    expect(harness.stream.report()).toMatchObject({ state: 'replaying', trust: 'degraded', missingShare: 1 });
    expect(harness.stream.isSettled).toBe(false);
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
    expect(harness.stream.isSettled).toBe(true);
    expect(statesOf(harness)).toEqual(['connecting → replaying', 'replaying → live']);
  });

  it('is exact and empty where the engine has published nothing yet', () => {
    const source = engine();
    const harness = joined(source);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact', lastSequence: null });
    feed(harness, steps(source, 3));
    expectTrue(harness, source);
  });

  it('keeps live batches that come meanwhile, and applies each batch once', () => {
    const source = engine();
    steps(source, 5);
    const harness = createStreamHarness();
    harness.stream.connected();
    feed(harness, steps(source, 3));
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ batchesApplied: 8, queuedBatches: 0 });
  });

  it('needs no replay where the first live batch is number 0', () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    const { current } = harness.replay;
    feed(harness, steps(source, 2));
    expectTrue(harness, source);
    expect(current.isClosed).toBe(true);
    expect(harness.stream.isSettled).toBe(true);
  });

  it('takes a message for a connection where its notice is late', () => {
    const source = engine();
    const harness = createStreamHarness();
    feed(harness, steps(source, 2));
    harness.stream.connected();
    expectTrue(harness, source);
    expect(harness.replay.requests).toHaveLength(1);
  });

  it('is degraded by the number of batches that the buffer no longer holds', () => {
    const source = engine({ bufferBatches: 30 });
    steps(source, 40);
    const harness = joined(source);
    const { trust, reason, batchesLost, batchesApplied, missingShare } = harness.stream.report();
    expect({ trust, reason, batchesLost, batchesApplied }).toEqual({
      trust: 'degraded',
      reason: 'batches-lost',
      batchesLost: 10,
      batchesApplied: 30,
    });
    expect(missingShare).toBeGreaterThanOrEqual(0.25);
  });

  it('is degraded likewise where the engine has no replay endpoint, and less so as newer batches come', () => {
    const source = engine();
    steps(source, 10);
    const harness = createStreamHarness({ hasReplay: false });
    harness.stream.connected();
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'fallback', reason: 'history-unknown' });
    expect(harness.stream.isSettled).toBe(true);
    harness.stream.receive(source.publish());
    const before = harness.stream.report();
    expect(before).toMatchObject({ trust: 'degraded', batchesLost: 10 });
    for (let i = 0; i < 90; i += 1) harness.stream.receive(source.publish());
    expect(harness.stream.trust().missingShare).toBeCloseTo(10 / 101);
    expect(before.missingShare).toBeGreaterThan(0.9);
  });

  it('is exact from the first live batch on where that is number 0, without a replay endpoint', () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 4));
    expectTrue(harness, source);
  });

  it('is exact again once the engine clears its cache', () => {
    const source = engine();
    steps(source, 10);
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 2));
    expect(harness.stream.trust().trust).toBe('degraded');
    harness.stream.receive(source.publish(['AllBlocksCleared'], ['BlockStored', [5], null, [1, 2], 2, null, 'GPU']));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ batchesLost: 0 });
  });
});

describe('engines that count from 1', () => {
  it('are one batch short until more batches show that the buffer still begins with number 1', () => {
    const source = engine({ firstSequence: 1 });
    steps(source, 4);
    const harness = joined(source);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'degraded', batchesLost: 1 });
    feed(harness, steps(source, 1));
    expect(harness.replay.current.from).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ batchesLost: 0 });
  });

  it('are told from those whose buffer has just dropped number 0', () => {
    const source = engine({ bufferBatches: 4 });
    steps(source, 5);
    const harness = joined(source);
    feed(harness, steps(source, 1));
    harness.replay.current.answer(...source.replay(0));
    feed(harness, steps(source, 3));
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'degraded', batchesLost: 1 });
  });

  it('may restart, and are exact at once since their way of counting is known', () => {
    const source = engine({ firstSequence: 1 });
    steps(source, 4);
    const harness = joined(source);
    feed(harness, steps(source, 1));
    harness.replay.current.answer(...source.replay(0));
    source.restart();
    feed(harness, steps(source, 2));
    expectTrue(harness, source);
  });

  it('are one batch short where the replay has nothing, or there is none', () => {
    const source = engine({ firstSequence: 1 });
    const asked = createStreamHarness();
    asked.stream.connected();
    const unasked = joined(source, { hasReplay: false });
    const messages = steps(source, 2);
    feed(asked, messages);
    feed(unasked, messages);
    asked.replay.current.answer(replayEnd);
    for (const { stream } of [asked, unasked]) {
      expect(stream.report()).toMatchObject({ state: 'live', trust: 'degraded', batchesLost: 1, lastSequence: 2 });
    }
  });
});
