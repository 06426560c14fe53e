import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StreamPosition } from '../../../sidecar/events/index.ts';
import type { TurnQueue } from '../../../sidecar/events/turn-queue.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createFakeReplayPort, createStreamHarness, type StreamHarness } from '../../support/stream-harness.ts';
import {
  act,
  createStreamWorld,
  isTrue,
  type StreamAction,
  type StreamWorld,
  settle,
  streamActions,
} from '../../support/stream-world.ts';
import type { SavedPart } from '../../support/tiny-index.ts';

/** What happens besides: the peer saves what it knows, the stream takes on what was saved last, or both at once. */
type Action =
  | StreamAction
  | { readonly kind: 'save' }
  | { readonly kind: 'adopt' | 'hand-over'; readonly isStartKnown: boolean }
  | { readonly kind: 'clear-seen' };

const schedule = fc.array(
  fc.oneof(
    ...streamActions,
    { weight: 3, arbitrary: fc.constant({ kind: 'restart' as const, notice: 'reconnect' as const }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('save' as const) }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('adopt' as const), isStartKnown: fc.boolean() }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('hand-over' as const), isStartKnown: fc.boolean() }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 2, 10) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear-seen' as const) }) },
  ),
  { minLength: 1, maxLength: 80 },
);

/** Each job takes a millisecond, so that anything can happen while content is loaded. */
const slowTurns = (clock: FakeClock): TurnQueue => ({
  hasTime: () => true,
  run: (job) =>
    new Promise((resolve, reject) => {
      clock.schedule(1, () => {
        try {
          job();
          resolve();
        } catch (failure) {
          reject(failure);
        }
      });
    }),
  waiting: 0,
});

interface PeerWorld extends StreamWorld {
  readonly peer: StreamHarness;
  saved: { readonly position: StreamPosition; readonly content: SavedPart; readonly startedAtSeconds: number } | null;
  readonly outcomes: Map<string, number>;
}

interface WorldOptions {
  readonly seed: number;
  readonly hasReplay: boolean;
  readonly bufferBatches: number;
  readonly stepsBefore: number;
}

/** A peer follows the engine from its start; the stream joins later, and waits for what the peer knows. */
const createPeerWorld = ({ stepsBefore, ...options }: WorldOptions): PeerWorld => {
  const clock = createFakeClock();
  const world = createStreamWorld({ ...options, isHeld: true, clock, turns: slowTurns(clock), isConnected: false });
  const { engine, harness } = world;
  const replay = createFakeReplayPort((from) => engine.replay(from));
  const peer = createStreamHarness({ replay });
  peer.stream.connected();
  for (let step = 0; step < stepsBefore; step += 1) peer.stream.receive(engine.step());
  harness.stream.connected();
  return Object.assign(world, { peer, saved: null, outcomes: new Map<string, number>() });
};

const peerActs = (world: PeerWorld, action: StreamAction, published: readonly Uint8Array[] | null): void => {
  const { peer, engine } = world;
  if (published !== null) peer.stream.receive(published);
  if (action.kind !== 'restart') return;
  peer.stream.disconnected();
  peer.stream.connected();
  peer.stream.restarted({ reason: 'process-start-time', startedAtSeconds: engine.startedAtSeconds });
};

const save = (world: PeerWorld): void => {
  const { peer, engine } = world;
  const { startedAtSeconds } = engine;
  const position = peer.stream.position();
  if (position !== null) world.saved = { position, content: peer.index.save(peer.endpoint), startedAtSeconds };
};

const adopt = (world: PeerWorld, isStartKnown: boolean): void => {
  const { harness, engine, saved } = world;
  if (saved === null) return;
  const startedAtSeconds = isStartKnown ? engine.startedAtSeconds : null;
  const load = () => harness.index.restore(harness.holder, saved.content);
  const toldStartSeconds = isStartKnown ? saved.startedAtSeconds : null;
  void harness.stream.adopt({ position: saved.position, startedAtSeconds, toldStartSeconds, load }).then((outcome) => {
    world.outcomes.set(outcome, (world.outcomes.get(outcome) ?? 0) + 1);
  });
};

const run = async (world: PeerWorld, action: Action): Promise<void> => {
  const { harness, peer, engine } = world;
  switch (action.kind) {
    case 'save':
      save(world);
      break;
    case 'adopt':
      adopt(world, action.isStartKnown);
      break;
    case 'hand-over':
      save(world);
      adopt(world, action.isStartKnown);
      break;
    case 'clear-seen': {
      const cleared = engine.clear();
      harness.stream.cleared('seen-in-traffic');
      for (const { stream } of [harness, peer]) stream.receive(cleared);
      break;
    }
    default:
      peerActs(world, action, await act(world, action));
      await peer.clock.advance(action.kind === 'wait' ? action.ms : 0);
  }
  await harness.clock.advance(0);
};

const finish = async (world: PeerWorld): Promise<void> => {
  world.harness.stream.release();
  await settle(world);
};

const worldOptions = (hasReplay: boolean) =>
  fc.record({
    seed: fc.nat(),
    hasReplay: fc.constant(hasReplay),
    bufferBatches: fc.integer({ min: 1, max: 8 }),
    stepsBefore: fc.integer({ min: 0, max: 12 }),
  });

describe('a stream that takes on content of elsewhere under random faults', () => {
  it.each([
    ['with a short replay buffer', true],
    ['without a replay endpoint, where restarts are told', false],
  ])('is never exact and wrong %s', async (_, hasReplay) => {
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(worldOptions(hasReplay), schedule, async (options, actions) => {
        const world = createPeerWorld(options);
        for (const action of actions) {
          const isTold = action.kind === 'restart' && !hasReplay;
          await run(world, isTold ? { ...action, notice: 'pool' } : action);
        }
        await finish(world);
        for (const [outcome, count] of world.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
        if (world.harness.stream.trust().trust === 'exact') expect(isTrue(world)).toBe(true);
      }),
      { numRuns: 400 },
    );
    expect(outcomes.get('adopted')).toBeGreaterThan(20);
  });
});
