import { describe, expect, it } from '@jest/globals';
import { batchOf, liveFrames, replayEnd, replayFrames, sequenceBytes } from '../../support/event-payloads.ts';
import { createStreamHarness } from '../../support/stream-harness.ts';
import { engine, expectTrue, feed, joined, steps } from '../../support/stream-steps.ts';

describe('connections', () => {
  it('that break degrade step by step, then go stale', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    harness.stream.disconnected();
    await harness.clock.advance(1_000);
    expect(harness.stream.report()).toMatchObject({ state: 'connecting', trust: 'degraded', reason: 'disconnected' });
    expect(harness.stream.trust().missingShare).toBeCloseTo(0.2);
    await harness.clock.advance(4_000);
    expect(harness.stream.report()).toMatchObject({ state: 'stale', trust: 'fallback' });
    harness.stream.disconnected();
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(3));
    expectTrue(harness, source);
  });

  it('that are back where the buffer no longer knows the last batch begin anew, since the process may be another', () => {
    const source = engine({ bufferBatches: 3 });
    const harness = joined(source);
    feed(harness, steps(source, 4));
    harness.stream.disconnected();
    steps(source, 6);
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(3));
    expect(harness.replay.current.from).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'degraded', batchesLost: 7, restarts: 1 });
  });

  it('that are back to an engine without any batch leave the history unknown if its replay never had one', () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    feed(harness, steps(source, 4));
    harness.stream.disconnected();
    harness.stream.connected();
    harness.replay.current.answer(replayEnd);
    harness.replay.current.answer(replayEnd);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'fallback', reason: 'history-unknown' });
  });

  it('that break end a replay, without a cooldown', () => {
    const source = engine();
    steps(source, 4);
    const harness = createStreamHarness();
    harness.stream.connected();
    const first = harness.replay.current;
    harness.stream.disconnected();
    expect(first.isClosed).toBe(true);
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('that break take with them what waited, for it may be of a process that is gone', () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    steps(source, 1);
    feed(harness, steps(source, 1));
    expect(harness.stream.report().queuedBatches).toBe(1);
    harness.stream.disconnected();
    source.restart();
    harness.stream.connected();
    feed(harness, steps(source, 1));
    expectTrue(harness, source);
  });

  it('that are back without a replay endpoint leave doubt until the next batch', () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 2));
    harness.stream.disconnected();
    harness.stream.connected();
    expect(harness.stream.trust().trust).toBe('degraded');
    feed(harness, steps(source, 1));
    expectTrue(harness, source);
  });
});

describe('frames that cannot be read', () => {
  it('are counted and ignored where not even the number can be read', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, [...steps(source, 1), [], [Buffer.of(1)], [Buffer.alloc(0), Buffer.alloc(3), Buffer.of(1)]]);
    expectTrue(harness, source);
    expect(harness.stream.report().malformedFrames).toBe(3);
  });

  it('are fetched by replay', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    steps(source, 1);
    harness.stream.receive(liveFrames(2, Buffer.of(0xc1)));
    harness.replay.current.answer(...source.replay(1));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ malformedFrames: 1, gaps: 1 });
  });

  it('are lost batches without a replay endpoint; nothing of them is applied', () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 2));
    const before = new Map(harness.index.contents(harness.endpoint));
    const good = batchOf([
      ['BlockStored', [77], null, [1, 2], 2, null, 'GPU'],
      ['BlockRemoved', ['odd']],
    ]);
    harness.stream.receive(liveFrames(2, good));
    expect(harness.index.contents(harness.endpoint)).toEqual(before);
    expect(harness.stream.report()).toMatchObject({ trust: 'degraded', batchesLost: 1, lastSequence: 2 });
  });

  it('under an old number are dropped', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    harness.stream.receive(liveFrames(0, Buffer.of(0xc1)));
    expectTrue(harness, source);
  });

  it('are lost where the replay cannot read them either', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 2));
    harness.stream.receive(liveFrames(2, Buffer.of(0xc1)));
    const [, one] = source.replay(0);
    harness.replay.current.answer(one ?? [], replayFrames(2, Buffer.of(0xc1)), replayEnd);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'degraded', batchesLost: 1 });
  });

  it('with a number beyond 53 bits do not move the stream', () => {
    const source = engine();
    const harness = joined(source);
    harness.stream.receive([Buffer.alloc(0), sequenceBytes(2n ** 60n), source.step().at(-1) ?? Buffer.alloc(0)]);
    expect(harness.stream.report()).toMatchObject({ lastSequence: null, malformedFrames: 1 });
  });
});

describe('a closed stream', () => {
  it('ignores everything', async () => {
    const source = engine();
    const harness = joined(source);
    harness.stream.verify();
    harness.stream.close('unfollowed');
    const { requests } = harness.replay;
    const told = harness.events.length;
    feed(harness, steps(source, 2));
    harness.stream.connected();
    harness.stream.disconnected();
    harness.stream.restarted({ reason: 'x' });
    harness.stream.cleared('x');
    harness.stream.servedTraffic();
    harness.stream.verify();
    harness.stream.close('not-configured');
    await harness.clock.advance(100_000);
    expect(requests.every(({ isClosed }) => isClosed)).toBe(true);
    expect(harness.events).toHaveLength(told);
    expect(harness.clock.pending).toBe(0);
    expect(harness.stream.report()).toMatchObject({ state: 'closed', trust: 'fallback', reason: 'unfollowed' });
  });
});

describe('event lag', () => {
  it('is the time from the batch to its being applied, of live batches only', () => {
    const harness = createStreamHarness({ hasReplay: false });
    harness.stream.connected();
    expect(harness.stream.report().eventLagMs).toBeNull();
    const atSeconds = harness.clock.wallNow() / 1000 - 0.25;
    harness.stream.receive(liveFrames(0, batchOf([], { atSeconds })));
    expect(harness.stream.report().eventLagMs).toBeCloseTo(250);
    harness.stream.receive(liveFrames(1, batchOf([], { atSeconds: atSeconds + 9 })));
    expect(harness.stream.report().eventLagMs).toBe(0);
  });
});
