/** Live messages of one engine through its stream into the index; decoding alone is the baseline. */

import {
  endpointId,
  poolName,
  seededRandom,
  silentLogger,
  silentMetrics,
  systemClock,
} from '../../../sidecar/core/index.ts';
import {
  createReplayGate,
  createStreams,
  engineAdapters,
  type SubscriptionSink,
} from '../../../sidecar/events/index.ts';
import { createPrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { liveFrames } from '../../support/event-payloads.ts';
import { createFakeTransport } from '../../support/fake-transport.ts';
import { endlessTurn, streamEndpoint } from '../../support/stream-harness.ts';
import type { Benchmark } from '../harness.ts';
import { makePayloads, type PayloadShape } from './payloads.ts';

/** A followed endpoint with an empty index; its sink takes messages as a socket would hand them over. */
const openSink = (): SubscriptionSink => {
  const transport = createFakeTransport();
  const streams = createStreams({
    pool: poolName('pool'),
    index: createPrefixIndex({ maxBlocks: 1_000_000 }),
    transport,
    gate: createReplayGate(),
    turns: endlessTurn,
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: silentMetrics,
  });
  streams.follow(streamEndpoint('a', { id: endpointId('pool/a') }));
  return transport.sinkAt('tcp://127.0.0.1:5557');
};

const compare = (what: string, shape: PayloadShape, batches: number): Benchmark => ({
  name: `ingest: ${what}`,
  unit: 'stored block',
  unitsPerCall: batches * shape.events * shape.blocksPerEvent,
  setup: ({ isSmoke }) => {
    const payloads = makePayloads(shape, { batches: isSmoke ? 10 : batches, cacheBlocks: 20_000 });
    const messages = payloads.map((payload, sequence) => liveFrames(sequence, payload));
    let sink = openSink();
    return {
      baseline: 'decode',
      bodies: [
        {
          name: 'decode',
          run: () => {
            let events = 0;
            for (const payload of payloads) events += engineAdapters.vllm.decode(payload).events.length;
            return events;
          },
        },
        {
          name: 'decode, order and apply',
          reset: () => {
            sink = openSink();
          },
          run: () => {
            for (const frames of messages) sink.onFrames(frames);
          },
        },
      ],
    };
  },
});

/** Decoding steps of an engine whose cache of 20,000 blocks is full, and prefill chunks. */
export const benchmarks: readonly Benchmark[] = [
  compare(
    'map events, 16 stored and 16 removed',
    { encoding: 'map', events: 16, blocksPerEvent: 1, tokensPerBlock: 16, evicts: true },
    4_000,
  ),
  compare(
    'map events, 64 blocks stored and removed',
    { encoding: 'map', events: 1, blocksPerEvent: 64, tokensPerBlock: 16, evicts: true },
    1_500,
  ),
];
