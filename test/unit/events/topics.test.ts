import { describe, expect, it } from '@jest/globals';
import { silentMetrics } from '../../../sidecar/core/index.ts';
import { engineAdapters } from '../../../sidecar/events/index.ts';
import { TopicRouter } from '../../../sidecar/events/topic-router.ts';
import { endpointsOfTopic, parseTopic } from '../../../sidecar/events/topics.ts';
import { batchOf, liveFrames } from '../../support/event-payloads.ts';
import { createRecordingLogger, streamEndpoint } from '../../support/stream-harness.ts';

describe('topics', () => {
  it.each([
    ['kv@10.0.0.7:8000@org/model', { publisher: '10.0.0.7:8000', model: 'org/model' }],
    ['kv@10.0.0.7@m', { publisher: '10.0.0.7', model: 'm' }],
    ['kv@pod-a@m@2', { publisher: 'pod-a', model: 'm@2' }],
    ['kv-events', null],
    ['', null],
    ['kv@@m', null],
  ])('%s', (topic, parts) => {
    expect(parseTopic(topic)).toEqual(parts);
  });

  const endpoints = [
    streamEndpoint('a', { address: '10.0.0.7:8000' }),
    streamEndpoint('b', { address: '10.0.0.7:8001' }),
    streamEndpoint('c', { address: '10.0.0.8:8000' }),
    streamEndpoint('d', { address: '[fd00::1]:8000' }),
  ];
  it.each([
    ['kv@10.0.0.7:8001@m', ['b']],
    ['kv@10.0.0.8@m', ['c']],
    ['kv@10.0.0.7@m', ['a', 'b']],
    ['kv@[fd00::1]:8000@m', ['d']],
    ['kv@fd00::1@m', ['d']],
    ['kv@c@m', ['c']],
    ['kv@10.0.0.9:8000@m', []],
    ['other', []],
  ])('%s stands for %j', (topic, names) => {
    expect(endpointsOfTopic(topic, endpoints).map(({ name }) => name)).toEqual(names);
  });
});

describe('one bound socket', () => {
  const setUp = () => {
    const frames: [string, number][] = [];
    const unrouted: string[] = [];
    const logger = createRecordingLogger();
    const router = new TopicRouter({
      adapterOf: ({ engine }) => engineAdapters[engine],
      onFrame: (id, { sequence }) => frames.push([id, sequence]),
      logger,
      metrics: { ...silentMetrics, count: (name) => unrouted.push(name) },
      labels: { pool: 'pool' },
    });
    return { router, frames, unrouted, logger };
  };
  const message = (topic: string, sequence: number, rank = 0) => liveFrames(sequence, batchOf([], { rank }), topic);

  it('keeps streams apart by topic', () => {
    const { router, frames } = setUp();
    router.add(streamEndpoint('a', { address: '10.0.0.7:8000' }));
    router.add(streamEndpoint('b', { address: '10.0.0.8:8000' }));
    router.route(message('kv@10.0.0.7:8000@m', 4));
    router.route(message('kv@10.0.0.8@m', 0));
    expect(frames).toEqual([
      ['pool/a', 4],
      ['pool/b', 0],
    ]);
  });

  it('tells ranks of one address apart by the batch', () => {
    const { router, frames, unrouted } = setUp();
    for (const rank of [0, 1]) router.add(streamEndpoint(`a${rank}`, { rank, hasRanks: true }));
    router.route(message('kv@127.0.0.1:8001@m', 7, 1));
    router.route(message('kv@127.0.0.1:8001@m', 3, 0));
    router.route(message('kv@127.0.0.1:8001@m', 3, 5));
    router.route(liveFrames(9, Buffer.of(0xc1), 'kv@127.0.0.1:8001@m'));
    expect(frames).toEqual([
      ['pool/a1', 7],
      ['pool/a0', 3],
    ]);
    expect(unrouted).toEqual(['event_frames_unrouted_total', 'event_frames_unrouted_total']);
  });

  it('names an unknown topic once, and finds it when its endpoint comes', () => {
    const { router, frames, logger, unrouted } = setUp();
    const unknown = message('kv@10.0.0.7:8000@m', 1);
    router.route(unknown);
    router.route(unknown);
    router.route([Buffer.of(1)]);
    expect(logger.lines.map(({ fields }) => fields['topic'])).toEqual(['kv@10.0.0.7:8000@m']);
    expect(unrouted).toHaveLength(3);
    const endpoint = streamEndpoint('a', { address: '10.0.0.7:8000' });
    router.add(endpoint);
    router.route(unknown);
    expect(frames).toEqual([['pool/a', 1]]);
    router.remove(endpoint.id);
    router.route(unknown);
    expect(frames).toHaveLength(1);
  });

  it('falls silent after 64 unknown topics', () => {
    const { router, logger } = setUp();
    for (let i = 0; i < 100; i += 1) router.route(message(`kv@10.0.1.${i}@m`, 0));
    expect(logger.lines).toHaveLength(64);
  });

  it('lets a failure of its receiver through', () => {
    const { logger } = setUp();
    const router = new TopicRouter({
      adapterOf: ({ engine }) => engineAdapters[engine],
      onFrame: () => {
        throw new Error('bug');
      },
      logger,
      metrics: silentMetrics,
      labels: {},
    });
    router.add(streamEndpoint('a'));
    expect(() => router.route(message('kv@127.0.0.1:8001@m', 1))).toThrow('bug');
  });
});
