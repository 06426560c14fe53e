import { describe, expect, it } from '@jest/globals';
import { liveFrames } from '../../support/event-payloads.ts';
import { createFakeReplayPort, createStreamHarness } from '../../support/stream-harness.ts';
import { engine, expectTrue, feed, joined, steps, untilReplay } from '../../support/stream-steps.ts';

describe('checks', () => {
  it('find a lost last batch once the stream is quiet', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 20));
    steps(source, 1);
    await untilReplay(harness, 2);
    expect(harness.replay.current.from).toBe(12);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact' });
    harness.replay.current.answer(...source.replay(12));
    expectTrue(harness, source);
  });

  it('compare a few batches, so that a restart shows that went on just where the old process ended', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    source.restart();
    steps(source, 4);
    feed(harness, steps(source, 1));
    expect(harness.stream.report()).toMatchObject({ lastSequence: 4, trust: 'exact' });
    await untilReplay(harness, 2);
    harness.replay.current.answer(...source.replay(0));
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ restarts: 1 });
  });

  it('are made at once where an old number comes with an unreadable batch', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    harness.stream.receive(liveFrames(1, Buffer.of(0xc1)));
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('are made once after each busy time, and every 30 s in any case', async () => {
    const source = engine();
    const replay = createFakeReplayPort((from) => source.replay(from));
    const harness = createStreamHarness({ replay });
    harness.stream.connected();
    feed(harness, steps(source, 2));
    await harness.clock.advance(25_000);
    expect(replay.requests).toHaveLength(2);
    await harness.clock.advance(30_000);
    expect(replay.requests).toHaveLength(3);
    expectTrue(harness, source);
  });

  it('become the catch-up where a gap shows meanwhile', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    await untilReplay(harness, 2);
    steps(source, 1);
    feed(harness, steps(source, 1));
    expect(harness.stream.report()).toMatchObject({ state: 'replaying', trust: 'degraded' });
    harness.replay.current.answer(...source.replay(1));
    expectTrue(harness, source);
    expect(harness.replay.requests).toHaveLength(2);
  });

  it('that get no answer change nothing', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    await harness.clock.advance(20_000);
    expectTrue(harness, source);
  });

  it('can be asked for, and do nothing without a replay endpoint', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 1));
    harness.stream.verify();
    expect(harness.replay.current.from).toBe(0);
    const without = joined(engine(), { hasReplay: false });
    without.stream.verify();
    expect(without.replay.requests).toHaveLength(0);
  });
});

describe('silence', () => {
  it('despite traffic makes a stream stale after 5 s, once, until events come', async () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 2));
    await harness.clock.advance(11_000);
    harness.stream.servedTraffic();
    harness.stream.servedTraffic();
    await harness.clock.advance(5_000);
    expect(harness.stream.report()).toMatchObject({ state: 'stale', trust: 'fallback', reason: 'silent' });
    harness.stream.servedTraffic();
    feed(harness, steps(source, 1));
    expectTrue(harness, source);
  });

  it('is none where events came shortly before, as those of a prefill do', async () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 2));
    await harness.clock.advance(9_000);
    harness.stream.servedTraffic();
    await harness.clock.advance(60_000);
    expectTrue(harness, source);
  });

  it('is none where an event follows in time', async () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 2));
    await harness.clock.advance(11_000);
    harness.stream.servedTraffic();
    feed(harness, steps(source, 1));
    await harness.clock.advance(6_000);
    expectTrue(harness, source);
  });

  it('is none where a replay proves that nothing was published', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    const replay = createFakeReplayPort((from) => source.replay(from));
    harness.stream.useReplay(replay);
    await harness.clock.advance(20_000);
    harness.stream.servedTraffic();
    await harness.clock.advance(5_000);
    expectTrue(harness, source);
    expect(replay.requests.length).toBeGreaterThan(1);
  });

  it('is one where the replay is silent, too', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    await harness.clock.advance(60_000);
    harness.stream.servedTraffic();
    await harness.clock.advance(60_000);
    expect(harness.stream.report()).toMatchObject({ state: 'stale', reason: 'silent' });
  });

  it('ends when a replay answers at last', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    await harness.clock.advance(60_000);
    harness.stream.servedTraffic();
    await harness.clock.advance(60_000);
    expect(harness.stream.report().state).toBe('stale');
    const asked = harness.replay.requests.length;
    await untilReplay(harness, asked + 1);
    harness.replay.current.answer(...source.replay(harness.replay.current.from));
    expectTrue(harness, source);
  });

  it('without traffic is no fault', async () => {
    const harness = joined(engine(), { hasReplay: false });
    await harness.clock.advance(60_000);
    expect(harness.stream.report().state).toBe('live');
  });
});
