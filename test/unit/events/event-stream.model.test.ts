import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { createModelEngine, type ModelEngine } from '../../support/model-engine.ts';
import { createFakeReplayPort, createStreamHarness, type StreamHarness } from '../../support/stream-harness.ts';

/** What happens next between an engine and a stream. */
type Action =
  | { readonly kind: 'publish'; readonly fate: 'deliver' | 'drop' | 'duplicate' | 'hold' | 'corrupt' }
  | { readonly kind: 'restart'; readonly notice: 'pool' | 'reconnect' }
  | { readonly kind: 'reconnect' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'replay'; readonly mode: ReplayMode };

type ReplayMode = 'serving' | 'silent' | 'truncated' | 'garbage';

const publish = fc.record({
  kind: fc.constant('publish' as const),
  fate: fc.constantFrom('deliver', 'deliver', 'deliver', 'deliver', 'drop', 'duplicate', 'hold', 'corrupt'),
});
const schedule = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: publish },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        notice: fc.constantFrom('pool', 'reconnect'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconnect' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(10, 2_500, 40_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('replay' as const),
        mode: fc.constantFrom('serving', 'silent', 'truncated', 'garbage'),
      }),
    },
  ),
  { minLength: 1, maxLength: 80 },
);

interface World {
  readonly engine: ModelEngine;
  readonly harness: StreamHarness;
  mode: ReplayMode;
  held: readonly (readonly Uint8Array[])[];
}

const createWorld = (options: { seed: number; hasReplay: boolean; bufferBatches?: number }): World => {
  const { seed, hasReplay, ...rest } = options;
  const engine = createModelEngine(seededRandom(seed), { ...rest, clearShare: 0.02 });
  const replay = createFakeReplayPort((from) => {
    const replies = engine.replay(from);
    if (world.mode === 'silent') return null;
    if (world.mode === 'truncated') return replies.slice(0, Math.ceil((replies.length - 1) / 2));
    if (world.mode === 'serving') return replies;
    return replies.map((frames) => (frames.at(-1)?.length === 0 ? frames : frames.with(-1, Buffer.of(0xc1))));
  });
  const world: World = { engine, harness: createStreamHarness({ hasReplay, replay }), mode: 'serving', held: [] };
  world.harness.stream.connected();
  return world;
};

const corrupted = (frames: readonly Uint8Array[]): readonly Uint8Array[] =>
  frames.with(-1, Buffer.concat([Buffer.of(0xc1), frames.at(-1) ?? Buffer.alloc(0)]));

const act = async (world: World, action: Action): Promise<void> => {
  const { engine, harness } = world;
  const { stream, clock } = harness;
  switch (action.kind) {
    case 'publish': {
      const frames = engine.step();
      const { held } = world;
      world.held = action.fate === 'hold' ? [frames] : [];
      if (action.fate === 'deliver' || action.fate === 'duplicate') stream.receive(frames);
      if (action.fate === 'duplicate') stream.receive(frames);
      if (action.fate === 'corrupt') stream.receive(corrupted(frames));
      for (const late of held) stream.receive(late);
      break;
    }
    case 'restart':
      world.held = [];
      stream.disconnected();
      engine.restart();
      stream.connected();
      if (action.notice === 'pool') {
        stream.restarted({ reason: 'process-start-time', startedAtSeconds: engine.startedAtSeconds });
      }
      break;
    case 'reconnect':
      stream.disconnected();
      stream.connected();
      break;
    case 'wait':
      await clock.advance(action.ms);
      break;
    case 'replay':
      world.mode = action.mode;
  }
  await clock.advance(0);
};

/** Lets everything come to rest with the faults off. */
const settle = async (world: World): Promise<void> => {
  world.mode = 'serving';
  await act(world, { kind: 'publish', fate: 'deliver' });
  await world.harness.clock.advance(200_000);
};

const isTrue = ({ engine, harness }: World): boolean => {
  const held = harness.index.contents(harness.endpoint);
  const truth = engine.contents();
  return held.size === truth.size && [...truth].every(([chain, copies]) => held.get(chain) === copies);
};

describe('a stream under random faults', () => {
  it('ends with the engine’s own cache, and exact, where the engine still has everything for replay', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), schedule, async (seed, actions) => {
        const world = createWorld({ seed, hasReplay: true });
        for (const action of actions) await act(world, action);
        await settle(world);
        // Batches that a replay brought unreadable are fetched again, but not without end.
        const isGarbled = actions.some((action) => action.kind === 'replay' && action.mode === 'garbage');
        const { trust } = world.harness.stream.trust();
        expect({ trust, isTrue: isTrue(world) }).toEqual(
          isGarbled && trust !== 'exact' ? expect.anything() : { trust: 'exact', isTrue: true },
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is never exact and wrong where the replay buffer is short', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 8 }), schedule, async (seed, bufferBatches, actions) => {
        const world = createWorld({ seed, hasReplay: true, bufferBatches });
        for (const action of actions) await act(world, action);
        await settle(world);
        if (world.harness.stream.trust().trust === 'exact') expect(isTrue(world)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is never exact and wrong without a replay endpoint, where restarts are told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), schedule, async (seed, actions) => {
        const world = createWorld({ seed, hasReplay: false });
        for (const action of actions)
          await act(world, action.kind === 'restart' ? { ...action, notice: 'pool' } : action);
        await settle(world);
        if (world.harness.stream.trust().trust === 'exact') expect(isTrue(world)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
