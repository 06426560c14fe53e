import { describe, expect, it } from '@jest/globals';
import { replayEnd } from '../../support/event-payloads.ts';
import { createStreamHarness } from '../../support/stream-harness.ts';
import { engine, expectTrue, feed, joined, steps } from '../../support/stream-steps.ts';

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
