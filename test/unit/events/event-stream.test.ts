import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { createReplayGate } from '../../../sidecar/events/index.ts';
import { batchOf, liveFrames, replayEnd, replayFrames, sequenceBytes } from '../../support/event-payloads.ts';
import { createModelEngine, type ModelEngine } from '../../support/model-engine.ts';
import { createFakeReplayPort, createStreamHarness, type StreamHarness } from '../../support/stream-harness.ts';

type Frames = readonly Uint8Array[];

const engine = (options: Parameters<typeof createModelEngine>[1] = {}): ModelEngine =>
  createModelEngine(seededRandom(11), options);
/** Publishes `count` batches. */
const steps = (source: ModelEngine, count: number): readonly Frames[] =>
  Array.from({ length: count }, () => source.step());
const feed = ({ stream }: StreamHarness, messages: readonly Frames[]): void => {
  for (const frames of messages) stream.receive(frames);
};
const statesOf = ({ stream }: StreamHarness): readonly string[] =>
  stream.report().transitions.map(({ from, to }) => `${from} → ${to}`);
const expectTrue = (harness: StreamHarness, source: ModelEngine): void => {
  expect(harness.index.contents(harness.endpoint)).toEqual(source.contents());
  expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact', lastSequence: source.lastSequence });
};
/** A stream that is live after having joined `source` by replay. */
const joined = (source: ModelEngine, options: Parameters<typeof createStreamHarness>[0] = {}): StreamHarness => {
  const harness = createStreamHarness(options);
  harness.stream.connected();
  if (options.hasReplay !== false) harness.replay.current.answer(...source.replay(0));
  return harness;
};

/** Moves time on until `count` replays were asked for. */
const untilReplay = async ({ clock, replay }: StreamHarness, count: number): Promise<void> => {
  for (let waitedMs = 0; replay.requests.length < count; waitedMs += 500) {
    if (waitedMs > 120_000) throw new Error('no further replay within two minutes');
    await clock.advance(500);
  }
};

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

describe('restarts', () => {
  it('show by a number that goes back to 0, and clear', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 5));
    source.restart();
    feed(harness, steps(source, 1));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ restarts: 1, batchesLost: 0 });
    expect(harness.events.filter(({ kind }) => kind === 'all-blocks-cleared').length).toBeGreaterThan(0);
  });

  it('show by a number that goes back to any, and are fetched from 0', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 9));
    source.restart();
    steps(source, 3);
    feed(harness, steps(source, 1));
    expect(harness.replay.current.from).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('behind the same number show by the bytes under it', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    source.restart();
    const messages = steps(source, 4);
    feed(harness, messages.slice(-1));
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
    expect(harness.stream.report()).toMatchObject({ restarts: 1 });
  });

  it('that overtook the old number show in the replay after the reconnect', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    harness.stream.disconnected();
    source.restart();
    steps(source, 30);
    harness.stream.connected();
    expect(harness.replay.current.from).toBe(3);
    harness.replay.current.answer(...source.replay(3));
    expect(harness.replay.current.from).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('of an engine that is idle since show by its not knowing the last batch', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    source.publish();
    feed(harness, []);
    harness.stream.verify();
    harness.replay.current.answer(...source.replay(3));
    source.restart();
    harness.stream.verify();
    harness.replay.current.answer(...source.replay(4));
    expect(harness.replay.current.from).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expect(harness.index.contents(harness.endpoint).size).toBe(0);
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact', lastSequence: null, restarts: 1 });
  });

  it('are not suspected of an engine whose replay never brought anything', () => {
    const source = engine();
    const harness = createStreamHarness();
    harness.stream.connected();
    feed(harness, steps(source, 3));
    harness.stream.verify();
    harness.replay.current.answer(replayEnd);
    expect(harness.stream.report()).toMatchObject({ restarts: 0, lastSequence: 2, trust: 'exact' });
  });

  it('seen elsewhere clear at once, and are replayed from 0', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 4));
    source.restart();
    steps(source, 6);
    harness.stream.restarted({ reason: 'pod-replaced' });
    expect(harness.index.contents(harness.endpoint).size).toBe(0);
    harness.replay.current.answer(...source.replay(0));
    expectTrue(harness, source);
  });

  it('seen elsewhere without a replay endpoint leave the history unknown until number 0 comes', () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 4));
    source.restart();
    harness.stream.restarted({ reason: 'pod-replaced' });
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'fallback', reason: 'history-unknown' });
    feed(harness, steps(source, 1));
    expectTrue(harness, source);
  });

  it('seen elsewhere after the stream noticed are ignored, for 10 s where the start is not known', async () => {
    const source = engine();
    const harness = joined(source, { hasReplay: false });
    feed(harness, steps(source, 4));
    source.restart();
    feed(harness, steps(source, 3));
    harness.stream.restarted({ reason: 'pod-replaced' });
    expectTrue(harness, source);
    await harness.clock.advance(11_000);
    harness.stream.restarted({ reason: 'pod-replaced' });
    expect(harness.stream.report()).toMatchObject({ restarts: 2, lastSequence: null });
  });

  it('while disconnected wait for the connection', () => {
    const source = engine();
    steps(source, 2);
    const harness = joined(source);
    feed(harness, steps(source, 4));
    harness.stream.disconnected();
    source.restart();
    harness.stream.restarted({ reason: 'pod-replaced' });
    expect(harness.index.contents(harness.endpoint).size).toBe(0);
    expect(harness.stream.report()).toMatchObject({ state: 'connecting', trust: 'fallback' });
    harness.stream.connected();
    harness.replay.current.answer(...source.replay(0));
    expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact' });
  });
});

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

describe('a cleared cache', () => {
  it('seen elsewhere empties the index and keeps the stream as it is', () => {
    const source = engine();
    const harness = joined(source);
    feed(harness, steps(source, 5));
    harness.stream.cleared('sleep');
    expect(harness.index.contents(harness.endpoint).size).toBe(0);
    expect(harness.events.at(-1)).toEqual({ kind: 'all-blocks-cleared' });
    feed(harness, [source.publish(['AllBlocksCleared'], ['BlockStored', [5], null, [1, 2], 2, null, 'GPU'])]);
    expectTrue(harness, source);
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
