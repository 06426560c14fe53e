import { describe, expect, it } from '@jest/globals';
import {
  type Endpoint,
  endpointId,
  type MetricLabels,
  poolName,
  seededRandom,
  silentMetrics,
} from '../../../sidecar/core/index.ts';
import {
  createReplayGate,
  createStreams,
  type EventSource,
  type Streams,
  type StreamsOptions,
} from '../../../sidecar/events/index.ts';
import { batchOf, liveFrames, replayEnd, replayFrames } from '../../support/event-payloads.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeTransport } from '../../support/fake-transport.ts';
import { createRecordingLogger, endlessTurn, streamEndpoint } from '../../support/stream-harness.ts';
import { createTinyIndex } from '../../support/tiny-index.ts';

const setUp = (overrides: Partial<StreamsOptions> = {}) => {
  const transport = createFakeTransport();
  const index = createTinyIndex();
  const logger = createRecordingLogger();
  const clock = createFakeClock();
  const forgotten: MetricLabels[] = [];
  const told: string[] = [];
  const streams: Streams = createStreams({
    pool: poolName('pool'),
    index,
    transport,
    gate: createReplayGate(),
    turns: endlessTurn,
    clock,
    random: seededRandom(3),
    logger,
    metrics: { ...silentMetrics, forget: (labels) => forgotten.push(labels) },
    onApplied: (endpoint, event) => told.push(`${endpoint.name} ${event.kind}`),
    ...overrides,
  });
  return { streams, transport, index, logger, clock, forgotten, told };
};
const stored = (hash: number, atSeconds = hash) =>
  batchOf([['BlockStored', [hash], null, [hash], 1, null, 'GPU']], { atSeconds });
const a: Endpoint = streamEndpoint('a', { eventsAddress: 'tcp://a:5557', replayAddress: 'tcp://a:5657' });
const b: Endpoint = streamEndpoint('b', { eventsAddress: 'tcp://b:5557' });

describe('following endpoints', () => {
  it('brings each one’s events into its own part of the index', async () => {
    const { streams, transport, index, told } = setUp();
    streams.follow(a);
    streams.follow(b);
    transport.sinkAt('tcp://a:5557').onConnected();
    transport.replayAt('tcp://a:5657').current.answer(replayFrames(0, stored(7)), replayEnd);
    transport.sinkAt('tcp://b:5557').onFrames(liveFrames(0, stored(8)));
    expect(index.cachedTokens(a.id, { tokenIds: [7, 0], blockSize: 1 })).toBe(1);
    expect(index.cachedTokens(b.id, { tokenIds: [7, 0], blockSize: 1 })).toBe(0);
    expect(told).toEqual(['a block-stored', 'b block-stored']);
    expect(streams.statuses().map(({ endpoint, trust }) => [endpoint, trust])).toEqual([
      [a.id, 'exact'],
      [b.id, 'exact'],
    ]);
    expect(streams.firstReplayDone(a.id)).toBe(true);
    expect(streams.trust(a.id)).toEqual({ trust: 'exact', reason: null, missingShare: 0 });
    await streams.stop();
  });

  it('ends with unfollow: socket, holder and metrics are gone', async () => {
    const { streams, transport, index, forgotten } = setUp();
    streams.follow(a);
    expect(streams.holderOf(a.id)).not.toBeNull();
    streams.unfollow(a.id);
    streams.unfollow(a.id);
    await streams.stop();
    expect(transport.subscriptions.size).toBe(0);
    expect(forgotten).toEqual([{ endpoint: a.id, pool: 'pool' }]);
    expect(streams.holderOf(a.id)).toBeNull();
    expect(() => index.contents(a.id)).toThrow('[invalid-argument]');
  });

  it('uses a holder that the caller registered, and leaves it', async () => {
    const { streams, index } = setUp();
    const holder = index.addHolder(a.id);
    streams.follow(a, holder);
    expect(streams.holderOf(a.id)).toBe(holder);
    streams.unfollow(a.id);
    await streams.stop();
    expect(index.contents(a.id).size).toBe(0);
  });

  it('twice is a mistake', async () => {
    const { streams } = setUp();
    streams.follow(a);
    expect(() => streams.follow(a)).toThrow('[invalid-argument]');
    await streams.stop();
  });

  it('answers for endpoints that are not followed as fallback', () => {
    const { streams } = setUp();
    const id = endpointId('pool/none');
    expect(streams.status(id)).toBeNull();
    expect(streams.trust(id).trust).toBe('fallback');
    expect(streams.firstReplayDone(id)).toBe(true);
    streams.verify(id);
    streams.notifyTraffic(id);
    streams.notifyRestart(id, { reason: 'x' });
    streams.notifyCleared(id, 'x');
  });

  it.each([
    ['without an events address', null],
    ['with an address that cannot be dialled', 'bad'],
  ])('%s leaves the endpoint a fallback', async (_, eventsAddress) => {
    const { streams } = setUp();
    const endpoint = streamEndpoint('c', { eventsAddress });
    streams.follow(endpoint);
    expect(streams.status(endpoint.id)).toMatchObject({ state: 'closed', trust: 'fallback', reason: 'not-configured' });
    expect(streams.firstReplayDone(endpoint.id)).toBe(true);
    await streams.stop();
  });

  it('hands notices on to the stream', async () => {
    const { streams, transport, index, clock } = setUp();
    streams.follow(b);
    const sink = transport.sinkAt('tcp://b:5557');
    sink.onFrames(liveFrames(0, stored(8)));
    streams.notifyCleared(b.id, 'sleep');
    expect(index.contents(b.id).size).toBe(0);
    streams.notifyRestart(b.id, { reason: 'pod-replaced', startedAtSeconds: 9 });
    expect(streams.status(b.id)).toMatchObject({ restarts: 1, lastSequence: null });
    await clock.advance(11_000);
    streams.notifyTraffic(b.id);
    await clock.advance(6_000);
    expect(streams.status(b.id)).toMatchObject({ state: 'stale', reason: 'silent' });
    sink.onDisconnected();
    streams.verify(b.id);
    await streams.stop();
  });
});

describe('waiting for a sequence number', () => {
  it('ends when it is applied, at once where it was', async () => {
    const { streams, transport } = setUp();
    streams.follow(b);
    const order: string[] = [];
    const waits = [
      streams.applied(b.id, 1).then(() => order.push('1')),
      streams.applied(b.id, 0).then(() => order.push('0')),
    ];
    const sink = transport.sinkAt('tcp://b:5557');
    sink.onFrames(liveFrames(0, stored(8)));
    await waits[1];
    expect(order).toEqual(['0']);
    sink.onFrames(liveFrames(1, stored(9)));
    await Promise.all(waits);
    await streams.applied(b.id, 1);
    expect(order).toEqual(['0', '1']);
    await streams.stop();
  });

  it('fails where the endpoint is not followed, or no longer', async () => {
    const { streams } = setUp();
    await expect(streams.applied(b.id, 0)).rejects.toThrow('[not-found]');
    streams.follow(b);
    const waiting = streams.applied(b.id, 0);
    streams.unfollow(b.id);
    await expect(waiting).rejects.toThrow('[shutting-down]');
    await streams.stop();
  });
});

describe('asking engines for their event sources', () => {
  const source: EventSource = { rank: 0, eventsAddress: 'tcp://a:7000', replayAddress: 'tcp://a:7100' };
  const follow = async (endpoint: Endpoint, sources: () => Promise<readonly EventSource[] | null>) => {
    const world = setUp({ sourcesOf: sources });
    world.streams.follow(endpoint);
    await world.clock.advance(0);
    return world;
  };

  it('fills in what is not configured', async () => {
    const { streams, transport } = await follow(streamEndpoint('a', { eventsAddress: null }), async () => [source]);
    transport.sinkAt('tcp://a:7000').onConnected();
    transport.replayAt('tcp://a:7100').current.answer(replayEnd);
    expect(streams.trust(a.id).trust).toBe('exact');
    await streams.stop();
  });

  it('adds a replay endpoint to a stream that runs', async () => {
    const { streams, transport } = setUp({ sourcesOf: async () => [source] });
    streams.follow(b);
    transport.sinkAt('tcp://b:5557').onFrames(liveFrames(3, stored(3)));
    expect(streams.status(b.id)).toMatchObject({ trust: 'degraded', batchesLost: 3 });
    await Promise.resolve();
    await Promise.resolve();
    const replay = transport.replayAt('tcp://a:7100');
    replay.current.answer(replayFrames(3, stored(3)), replayEnd);
    replay.current.answer(...[0, 1, 2, 3].map((sequence) => replayFrames(sequence, stored(sequence))), replayEnd);
    expect(streams.trust(b.id).trust).toBe('exact');
    await streams.stop();
  });

  it.each([
    ['no answer', async () => null],
    ['an answer without the rank', async () => [{ ...source, rank: 4 }]],
    ['a failure', async () => Promise.reject(new Error('x'))],
  ])('leaves an endpoint without addresses a fallback at %s', async (_, sources) => {
    const { streams } = await follow(streamEndpoint('a', { eventsAddress: null }), sources);
    expect(streams.status(a.id)).toMatchObject({ state: 'closed', reason: 'not-configured' });
    await streams.stop();
  });

  it('is not done where everything is configured, nor heeded after unfollow', async () => {
    let asked = 0;
    const { streams, transport } = await follow(a, async () => {
      asked += 1;
      return [source];
    });
    expect(asked).toBe(0);
    streams.follow(streamEndpoint('c', { eventsAddress: null }));
    streams.unfollow(endpointId('pool/c'));
    await streams.stop();
    expect(asked).toBe(1);
    expect(transport.subscriptions.has('tcp://a:7000')).toBe(false);
  });
});

describe('a bound socket', () => {
  const one = streamEndpoint('one', { address: '10.0.0.1:8000', eventsAddress: null });
  const two = streamEndpoint('two', { address: '10.0.0.2:8000', eventsAddress: null, replayAddress: 'tcp://two:5657' });

  it('takes the streams of all endpoints, apart by topic', async () => {
    const { streams, transport } = setUp({ bind: 'tcp://*:5557' });
    expect(await streams.start(new AbortController().signal)).toBe('tcp://0.0.0.0:5557');
    streams.follow(one);
    streams.follow(two);
    transport.replayAt('tcp://two:5657').current.answer(replayEnd);
    const sink = transport.sinkAt('tcp://*:5557');
    sink.onConnected();
    sink.onFrames(liveFrames(0, stored(1), 'kv@10.0.0.1:8000@m'));
    sink.onFrames(liveFrames(0, stored(2), 'kv@10.0.0.2@m'));
    sink.onDisconnected();
    sink.onFrames(liveFrames(1, stored(3), 'kv@10.0.0.2@m'));
    sink.onFrames(liveFrames(0, stored(4), 'kv@10.0.0.3@m'));
    expect(streams.statuses().map(({ lastSequence, trust }) => [lastSequence, trust])).toEqual([
      [0, 'exact'],
      [1, 'exact'],
    ]);
    await streams.stop();
    expect(transport.subscriptions.size).toBe(0);
  });

  it('that cannot be opened fails the start', async () => {
    const { streams } = setUp({ bind: 'bad' });
    await expect(streams.start(new AbortController().signal)).rejects.toThrow('[listen-failed]');
  });

  it('and all else is closed when the signal is aborted', async () => {
    const { streams, transport } = setUp({ bind: 'tcp://*:5557' });
    const stop = new AbortController();
    await streams.start(stop.signal);
    streams.follow(one);
    stop.abort();
    await streams.stop();
    expect(transport.subscriptions.size).toBe(0);
    expect(streams.statuses()).toEqual([]);
  });

  it('is none where endpoints are dialled', async () => {
    await using streams = setUp().streams;
    expect(await streams.start(new AbortController().signal)).toBeNull();
  });
});

describe('handing on what is known', () => {
  it('tells where each stream stands, and lets another set of streams go on from there', async () => {
    const first = setUp();
    first.streams.follow(b);
    expect(first.streams.position(b.id)).toBeNull();
    expect(first.streams.position(a.id)).toBeNull();
    first.transport.sinkAt('tcp://b:5557').onFrames(liveFrames(0, stored(7)));
    first.transport.sinkAt('tcp://b:5557').onFrames(liveFrames(1, stored(8)));
    const position = first.streams.position(b.id);
    if (position === null) throw new Error('nothing is known');
    const saved = first.index.save(b.id);

    const second = setUp({ isHeld: true });
    const holder = second.index.addHolder(b.id);
    second.streams.follow(b, holder);
    const sink = second.transport.sinkAt('tcp://b:5557');
    sink.onFrames(liveFrames(1, stored(8)));
    const load = () => second.index.restore(holder, saved);
    const warm = { position, startedAtSeconds: null, toldStartSeconds: null, load };
    await expect(second.streams.adopt(b.id, warm)).resolves.toBe('adopted');
    sink.onFrames(liveFrames(2, stored(9)));
    expect(second.streams.status(b.id)).toMatchObject({ trust: 'exact', lastSequence: 2 });
    expect(second.index.cachedTokens(b.id, { tokenIds: [7, 0], blockSize: 1 })).toBe(1);
    await expect(second.streams.adopt(a.id, warm)).rejects.toThrow('[not-found]');
  });

  it('gives up what is missing once nothing is awaited any more, of endpoints followed later at once', () => {
    const { streams, transport } = setUp({ isHeld: true });
    streams.follow(b);
    transport.sinkAt('tcp://b:5557').onFrames(liveFrames(5, stored(7)));
    expect(streams.status(b.id)).toMatchObject({ lastSequence: null, queuedBatches: 1 });
    streams.release();
    expect(streams.status(b.id)).toMatchObject({ lastSequence: 5, batchesLost: 5 });
    streams.follow(streamEndpoint('c', { eventsAddress: 'tcp://c:5557' }));
    transport.sinkAt('tcp://c:5557').onFrames(liveFrames(3, stored(7)));
    expect(streams.statuses().map(({ batchesLost }) => batchesLost)).toEqual([5, 3]);
  });
});
