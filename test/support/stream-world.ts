import fc from 'fast-check';
import { seededRandom } from '../../sidecar/core/index.ts';
import { createModelEngine, type ModelEngine } from './model-engine.ts';
import { createFakeReplayPort, createStreamHarness, type StreamHarness } from './stream-harness.ts';

/** What happens next between an engine and a stream. */
export type StreamAction =
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
/** Each action with its weight, for `fc.oneof`. */
export const streamActions = [
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
] as const;

/** An engine and a stream that follows it. */
export interface StreamWorld {
  readonly engine: ModelEngine;
  readonly harness: StreamHarness;
  mode: ReplayMode;
  held: readonly (readonly Uint8Array[])[];
}

/** What {@link createStreamWorld} makes; `bufferBatches` and what the stream is made with have the defaults of their makers. */
interface StreamWorldOptions
  extends Pick<NonNullable<Parameters<typeof createStreamHarness>[0]>, 'isHeld' | 'turns' | 'clock'> {
  readonly seed: number;
  readonly hasReplay: boolean;
  readonly bufferBatches?: number;
  /** Default yes. */
  readonly isConnected?: boolean;
}

/** Creates an engine with a stream that is connected. */
export const createStreamWorld = (options: StreamWorldOptions): StreamWorld => {
  const { seed, hasReplay, bufferBatches, isConnected = true, ...rest } = options;
  const engine = createModelEngine(seededRandom(seed), {
    ...(bufferBatches === undefined ? {} : { bufferBatches }),
    clearShare: 0.02,
  });
  const replay = createFakeReplayPort((from) => {
    const replies = engine.replay(from);
    if (world.mode === 'silent') return null;
    if (world.mode === 'truncated') return replies.slice(0, Math.ceil((replies.length - 1) / 2));
    if (world.mode === 'serving') return replies;
    return replies.map((frames) => (frames.at(-1)?.length === 0 ? frames : frames.with(-1, Buffer.of(0xc1))));
  });
  const world: StreamWorld = {
    engine,
    harness: createStreamHarness({ ...rest, hasReplay, replay }),
    mode: 'serving',
    held: [],
  };
  if (isConnected) world.harness.stream.connected();
  return world;
};

const corrupted = (frames: readonly Uint8Array[]): readonly Uint8Array[] =>
  frames.with(-1, Buffer.concat([Buffer.of(0xc1), frames.at(-1) ?? Buffer.alloc(0)]));

/** Lets one action happen; gives what it published. */
export const act = async (world: StreamWorld, action: StreamAction): Promise<readonly Uint8Array[] | null> => {
  const { engine, harness } = world;
  let published: readonly Uint8Array[] | null = null;
  const { stream, clock } = harness;
  switch (action.kind) {
    case 'publish': {
      const frames = engine.step();
      published = frames;
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
  return published;
};

/** Lets everything come to rest with the faults off. */
export const settle = async (world: StreamWorld): Promise<void> => {
  world.mode = 'serving';
  await act(world, { kind: 'publish', fate: 'deliver' });
  await world.harness.clock.advance(200_000);
};

/** Whether the stream's part of the index is the engine's cache. */
export const isTrue = ({ engine, harness }: StreamWorld): boolean => {
  const held = harness.index.contents(harness.endpoint);
  const truth = engine.contents();
  return held.size === truth.size && [...truth].every(([chain, copies]) => held.get(chain) === copies);
};
