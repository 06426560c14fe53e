import { expect } from '@jest/globals';
import { seededRandom } from '../../sidecar/core/index.ts';
import { createModelEngine, type ModelEngine } from './model-engine.ts';
import { createStreamHarness, type StreamHarness } from './stream-harness.ts';

type Frames = readonly Uint8Array[];

/** A seeded engine whose cache is known. */
export const engine = (options: Parameters<typeof createModelEngine>[1] = {}): ModelEngine =>
  createModelEngine(seededRandom(11), options);

/** Publishes `count` batches. */
export const steps = (source: ModelEngine, count: number): readonly Frames[] =>
  Array.from({ length: count }, () => source.step());

/** Hands messages to a stream as they would arrive. */
export const feed = ({ stream }: StreamHarness, messages: readonly Frames[]): void => {
  for (const frames of messages) stream.receive(frames);
};

/** Every change of state so far. */
export const statesOf = ({ stream }: StreamHarness): readonly string[] =>
  stream.report().transitions.map(({ from, to }) => `${from} → ${to}`);

/** Expects the index to be what the engine holds, and the stream to know it. */
export const expectTrue = (harness: StreamHarness, source: ModelEngine): void => {
  expect(harness.index.contents(harness.endpoint)).toEqual(source.contents());
  expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact', lastSequence: source.lastSequence });
};

/** A stream that is live after having joined `source` by replay. */
export const joined = (source: ModelEngine, options: Parameters<typeof createStreamHarness>[0] = {}): StreamHarness => {
  const harness = createStreamHarness(options);
  harness.stream.connected();
  if (options.hasReplay !== false) harness.replay.current.answer(...source.replay(0));
  return harness;
};

/** Moves time on until `count` replays were asked for. */
export const untilReplay = async ({ clock, replay }: StreamHarness, count: number): Promise<void> => {
  for (let waitedMs = 0; replay.requests.length < count; waitedMs += 500) {
    if (waitedMs > 120_000) throw new Error('no further replay within two minutes');
    await clock.advance(500);
  }
};
