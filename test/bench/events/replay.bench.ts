/**
 * A replay of 10,000 batches while decisions are asked for in every turn of the event loop; decisions alone are the
 * baseline. A decision is a lookup of a 1,024-block prompt among 64 endpoints.
 */

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
  createTurnQueue,
  type EventTransport,
} from '../../../sidecar/events/index.ts';
import { computeBlockKeys, createPrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { replayEnd, replayFrames } from '../../support/event-payloads.ts';
import { createFakeTransport } from '../../support/fake-transport.ts';
import { streamEndpoint } from '../../support/stream-harness.ts';
import type { Benchmark } from '../harness.ts';
import { makePayloads } from './payloads.ts';

const batches = 10_000;
const tokensPerBlock = 16;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

/** Time from asking for a decision to having it, the wait for the turn included. */
const decideUntil = async (decide: () => unknown, isOver: () => boolean): Promise<readonly number[]> => {
  const tookMs: number[] = [];
  do {
    const askedMs = performance.now();
    await nextTurn();
    decide();
    tookMs.push(performance.now() - askedMs);
  } while (!isOver());
  return tookMs;
};

const setUp = (isSmoke: boolean) => {
  const index = createPrefixIndex({ maxBlocks: 2_000_000 });
  const shape = { encoding: 'map', events: 16, blocksPerEvent: 1, tokensPerBlock, evicts: true } as const;
  const payloads = makePayloads(shape, { batches: isSmoke ? 50 : batches, cacheBlocks: 40_000 });
  const replies = [...payloads.map((payload, sequence) => replayFrames(sequence, payload)), replayEnd];
  const prompt = Int32Array.from({ length: 1_024 * tokensPerBlock }, (_, i) => i % 50_000);
  const identity = { loraName: null, salt: null, multimodal: [] };
  const keys = computeBlockKeys(prompt, { blockSize: tokensPerBlock, identity, seed: index.keySeed });
  const engineKeys = Int32Array.from({ length: 2 * keys.count }, (_, i) => i);
  for (let i = 0; i < 64; i += 1) {
    index.store(index.addHolder(endpointId(`pool/held-${i}`)), {
      kind: 'block-stored',
      engineKeys,
      parent: null,
      tokenIds: prompt,
      blockSize: tokensPerBlock,
      loraName: null,
      extras: null,
      medium: 'GPU',
      group: 0,
      attentionKind: null,
    });
  }
  const matched = new Int32Array(index.capacity + 1);
  const decide = (): number => {
    index.match(keys, matched);
    return matched[0] ?? 0;
  };

  /** Follows one more endpoint, whose replay arrives as from a socket: a message at a time, each in the turn queue. */
  const replay = async (): Promise<void> => {
    const turns = createTurnQueue({ clock: systemClock, metrics: silentMetrics });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fake = createFakeTransport();
    const transport: EventTransport = {
      ...fake,
      replayFrom: () => ({
        open: ({ onFrames }) => {
          const send = async (): Promise<void> => {
            for (const frames of replies) await turns.run(() => onFrames(frames));
          };
          Promise.resolve().then(send).then(resolve, reject);
          return () => {};
        },
      }),
    };
    const streams = createStreams({
      pool: poolName('pool'),
      index,
      transport,
      gate: createReplayGate(),
      turns,
      clock: systemClock,
      random: seededRandom(1),
      logger: silentLogger,
      metrics: silentMetrics,
    });
    streams.follow(streamEndpoint('a', { replayAddress: 'tcp://127.0.0.1:5657' }));
    fake.sinkAt('tcp://127.0.0.1:5557').onConnected();
    await promise;
    await streams.stop();
  };
  return { decide, replay };
};

const decisionsDuringReplay: Benchmark = {
  name: `replay of ${batches.toLocaleString('en')} batches of 16 blocks under decisions`,
  unit: 'batch',
  unitsPerCall: batches,
  setup: ({ isSmoke }) => {
    const { decide, replay } = setUp(isSmoke);
    let alone: readonly number[] = [0];
    let meanwhile: readonly number[] = [0];
    let replayMs = 0;
    const figuresOf = (tookMs: readonly number[]) => ({
      'decision p50 ms': quantile(tookMs, 0.5),
      'decision p99 ms': quantile(tookMs, 0.99),
      'decision max ms': Math.max(...tookMs.slice(-100_000)),
    });
    return {
      baseline: 'decisions alone',
      bodies: [
        {
          name: 'decisions alone',
          run: async () => {
            const endMs = performance.now() + (isSmoke ? 1 : 1_000);
            alone = await decideUntil(decide, () => performance.now() >= endMs);
          },
          figures: () => figuresOf(alone),
        },
        {
          name: 'decisions during a replay',
          run: async () => {
            let isOver = false;
            const startMs = performance.now();
            const replayed = replay().then(() => {
              isOver = true;
              replayMs = performance.now() - startMs;
            });
            meanwhile = await decideUntil(decide, () => isOver);
            await replayed;
          },
          figures: () => ({ ...figuresOf(meanwhile), 'replay s': replayMs / 1_000 }),
        },
      ],
    };
  },
};

/** What recovery costs those who wait for decisions. */
export const benchmarks: readonly Benchmark[] = [decisionsDuringReplay];
