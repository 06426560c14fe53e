/**
 * What a replay of 10,000 batches costs those who wait for decisions. A decision is a whole one, from a 28 KB chat's bytes to
 * the booking, among 64 endpoints with a million blocks; one is due every 2 ms, and its time counts from when it was due. Each call
 * measures decisions without and then with a replay, so that a noisy neighbour hits both; the ratio is the median of all calls'.
 */

import { poolName, seededRandom, silentLogger, silentMetrics, systemClock } from '../../../sidecar/core/index.ts';
import {
  createReplayGate,
  createStreams,
  createTurnQueue,
  type EventTransport,
} from '../../../sidecar/events/index.ts';
import type { PrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { replayEnd, replayFrames } from '../../support/event-payloads.ts';
import { createFakeTransport } from '../../support/fake-transport.ts';
import { streamEndpoint } from '../../support/stream-harness.ts';
import type { Benchmark } from '../harness.ts';
import { createChats } from '../prompt/chats.ts';
import { chatRequest, createFleet } from '../routing/fleet.ts';
import { makePayloads } from './payloads.ts';

const batches = 10_000;
const decisionEveryMs = 2;
const quietMs = 800;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Decides whenever one is due until `isOver`; milliseconds from being due to being decided, the wait for the turn included. */
const decideUntil = async (decide: () => Promise<void>, isOver: () => boolean): Promise<readonly number[]> => {
  const tookMs: number[] = [];
  let dueMs = performance.now();
  while (!isOver()) {
    await nextTurn();
    if (performance.now() < dueMs) continue;
    await decide();
    const nowMs = performance.now();
    tookMs.push(nowMs - dueMs);
    // Who comes while another is served waits; what would have come during a long pause does not pile up.
    dueMs = Math.max(dueMs + decisionEveryMs, nowMs - decisionEveryMs);
  }
  return tookMs;
};

type Frames = readonly Uint8Array[];

/** Follows one more endpoint, whose replay arrives as from a socket: a message at a time, each in the turn queue. */
const replayInto = async (index: PrefixIndex, replies: readonly Frames[]): Promise<void> => {
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

const setUp = async (isSmoke: boolean) => {
  const { director, index } = await createFleet(
    isSmoke ? { endpoints: 4, blocks: 4_000 } : { endpoints: 64, blocks: 1_000_000 },
  );
  const shape = { encoding: 'map', events: 16, blocksPerEvent: 1, tokensPerBlock: 16, evicts: true } as const;
  const payloads = makePayloads(shape, { batches: isSmoke ? 50 : batches, cacheBlocks: 40_000 });
  const replies = [...payloads.map((payload, sequence) => replayFrames(sequence, payload)), replayEnd];
  const chats = createChats({ conversations: 300, messageLength: 1300, maxMessages: 40 });
  for (let turn = 0; turn < (isSmoke ? 10 : 6_000); turn += 1) chats.nextBody();
  const bodies = Array.from({ length: isSmoke ? 10 : 1_000 }, () => chats.nextBody());
  let at = 0;
  const decide = async (): Promise<void> => {
    const decision = await director.route(chatRequest(bodies[at++ % bodies.length] ?? new Uint8Array()));
    if (decision.kind !== 'routed') throw new Error(decision.kind);
    decision.ticket.firstToken();
    decision.ticket.finished(null);
  };
  return { decide, replay: () => replayInto(index, replies) };
};

const decisionsDuringReplay: Benchmark = {
  name: `replay of ${batches.toLocaleString('en')} batches of 16 blocks under decisions`,
  unit: 'batch',
  unitsPerCall: batches,
  setup: async ({ isSmoke }) => {
    const { decide, replay } = await setUp(isSmoke);
    const calls: {
      readonly quiet: readonly number[];
      readonly meanwhile: readonly number[];
      readonly replayMs: number;
    }[] = [];
    const p99Of = (tookMs: readonly number[]): number => quantile(tookMs, 0.99);
    return {
      baseline: 'replay alone',
      bodies: [
        { name: 'replay alone', run: replay },
        {
          name: 'decisions, then decisions during a replay',
          run: async () => {
            const quietEndMs = performance.now() + (isSmoke ? 5 : quietMs);
            const quiet = await decideUntil(decide, () => performance.now() >= quietEndMs);
            let isOver = false;
            const startMs = performance.now();
            const replayed = replay().finally(() => {
              isOver = true;
            });
            const meanwhile = await decideUntil(decide, () => isOver);
            await replayed;
            calls.push({ quiet, meanwhile, replayMs: performance.now() - startMs });
          },
          figures: () => ({
            'replay s': median(calls.map(({ replayMs }) => replayMs)) / 1_000,
            'decision p50 ms, quiet': median(calls.map(({ quiet }) => median(quiet))),
            'decision p50 ms, during': median(calls.map(({ meanwhile }) => median(meanwhile))),
            'decision p99 ms, quiet': median(calls.map(({ quiet }) => p99Of(quiet))),
            'decision p99 ms, during': median(calls.map(({ meanwhile }) => p99Of(meanwhile))),
            'p99 during / quiet': median(calls.map(({ quiet, meanwhile }) => p99Of(meanwhile) / p99Of(quiet))),
            'lowest of the ratios': Math.min(...calls.map(({ quiet, meanwhile }) => p99Of(meanwhile) / p99Of(quiet))),
          }),
        },
      ],
    };
  },
};

/** What recovery costs those who wait for decisions. */
export const benchmarks: readonly Benchmark[] = [decisionsDuringReplay];
