import { describe, expect, it } from '@jest/globals';
import { createReplayGate } from '../../../sidecar/events/index.ts';
import { replayEnd, replayFrames } from '../../support/event-payloads.ts';
import { createFakeReplayPort, createStreamHarness } from '../../support/stream-harness.ts';
import { engine, expectTrue, feed, joined, steps, untilReplay } from '../../support/stream-steps.ts';

describe('replays', () => {
  it('are asked for again from where they got to after 2 s of silence', async () => {
    const source = engine();
    steps(source, 10);
    const harness = createStreamHarness();
    harness.stream.connected();
    const first = harness.replay.current;
    first.answer(...source.replay(0).slice(0, 4));
    await harness.clock.advance(1_999);
    expect(first.isClosed).toBe(false);
    await harness.clock.advance(1);
    expect(first.isClosed).toBe(true);
    expect(harness.stream.report().state).toBe('gap');
    await harness.clock.advance(100);
    expect(harness.replay.current.from).toBe(3);
    harness.replay.current.answer(...source.replay(3));
    expectTrue(harness, source);
  });

  it('are given up after three tries without a new batch; what is missing is lost until the cooldown ends', async () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    steps(source, 5);
    feed(harness, steps(source, 1));
    await harness.clock.advance(7_000);
    expect(harness.replay.requests).toHaveLength(3);
    expect(harness.stream.isSettled).toBe(true);
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'degraded',
      batchesLost: 5,
      lastSequence: 5,
    });
    steps(source, 1);
    feed(harness, steps(source, 1));
    expect(harness.replay.requests).toHaveLength(3);
    expect(harness.stream.report()).toMatchObject({ batchesLost: 6 });
  });

  it('start over after the cooldown, and make the stream exact if the engine still has everything', async () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    steps(source, 5);
    feed(harness, steps(source, 1));
    await untilReplay(harness, 4);
    expect(harness.clock.now()).toBeGreaterThan(36_000);
    expect(harness.replay.current.from).toBe(0);
    feed(harness, steps(source, 1));
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('start over after the cooldown, too, where a mere check brought batches that could not be read', async () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 3));
    steps(source, 2);
    harness.stream.verify();
    const [first, ...rest] = source.replay(0);
    const garbled = rest.map((_, i) => replayFrames(i + 1, Buffer.alloc(8, 0xc1)));
    harness.replay.current.answer(...(first === undefined ? [] : [first]), ...garbled.slice(0, 4), replayEnd);
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'degraded',
      batchesLost: 2,
      lastSequence: 4,
    });
    feed(harness, steps(source, 1));
    await untilReplay(harness, 3);
    expect(harness.replay.current.from).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('leave everything as it is where the engine cannot start over', async () => {
    const source = engine({ bufferBatches: 3 });
    const harness = createStreamHarness();
    harness.stream.connected();
    steps(source, 5);
    feed(harness, steps(source, 2));
    await untilReplay(harness, 4);
    const before = harness.index.contents(harness.endpoint).size;
    harness.replay.current.answer(...source.replay(0));
    expect(harness.stream.report()).toMatchObject({
      state: 'live',
      trust: 'degraded',
      batchesLost: 5,
      lastSequence: 6,
    });
    expect(harness.index.contents(harness.endpoint).size).toBe(before);
  });

  it('that fail at once are tried again with waits in between', async () => {
    const { stream, replay, clock } = createStreamHarness();
    stream.connected();
    replay.current.fail();
    expect(() => replay.current).toThrow();
    await clock.advance(100);
    replay.current.fail();
    await clock.advance(200);
    expect(replay.requests).toHaveLength(3);
  });

  it('answered with garbage only are given up, and the stream stays usable', async () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    steps(source, 2);
    for (let i = 0; i < 80; i += 1) {
      harness.replay.requests.at(-1)?.answer([Buffer.of(1)]);
      await harness.clock.advance(100);
    }
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'fallback', reason: 'history-unknown' });
    feed(harness, steps(source, 1));
    expect(harness.stream.report()).toMatchObject({ trust: 'degraded', batchesLost: 2, lastSequence: 2 });
  });

  it('that bring unreadable batches lose those, and are tried again three times at most', async () => {
    const source = engine();
    steps(source, 20);
    const garbled = source
      .replay(0)
      .map((frames) => (frames.at(-1)?.length === 0 ? frames : frames.with(-1, Buffer.of(0xc1))));
    const replay = createFakeReplayPort((from) => garbled.slice(from));
    const harness = createStreamHarness({ replay });
    harness.stream.connected();
    await harness.clock.advance(300_000);
    expect(replay.requests.filter(({ from }) => from === 0)).toHaveLength(4);
    expect(harness.stream.report()).toMatchObject({ trust: 'degraded', batchesLost: 20 });
  });

  it('take turns where the process allows fewer at once', () => {
    const gate = createReplayGate(1);
    const source = engine();
    steps(source, 2);
    const first = createStreamHarness({ gate });
    const second = createStreamHarness({ gate });
    first.stream.connected();
    second.stream.connected();
    expect(second.replay.requests).toHaveLength(0);
    expect(second.stream.report().state).toBe('gap');
    first.replay.current.answer(...source.replay(0));
    expect(second.stream.report().state).toBe('replaying');
    second.replay.current.answer(...source.replay(0));
    expectTrue(second, source);
  });

  it('do not leave the end of the stream in doubt unnoticed: without an end mark trust stays degraded', async () => {
    const source = engine();
    steps(source, 2);
    const harness = createStreamHarness();
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(0).slice(0, 2));
    for (let i = 0; i < 12; i += 1) await harness.clock.advance(1_000);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'degraded', lastSequence: 1 });
    feed(harness, steps(source, 1));
    expectTrue(harness, source);
  });

  it('may become possible later', () => {
    const source = engine();
    steps(source, 4);
    const harness = createStreamHarness({ hasReplay: false });
    harness.stream.connected();
    feed(harness, steps(source, 1));
    expect(harness.stream.trust().trust).toBe('degraded');
    const port = createFakeReplayPort();
    harness.stream.useReplay(port);
    port.current.answer(...source.replay(4));
    expect(port.current.from).toBe(0);
    port.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });
});
