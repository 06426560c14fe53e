import { describe, expect, it } from '@jest/globals';
import { SidecarError, seededRandom } from '../../../sidecar/core/index.ts';
import type { StreamPosition, WarmState } from '../../../sidecar/events/index.ts';
import { createModelEngine, type ModelEngine } from '../../support/model-engine.ts';
import { createFakeReplayPort, createStreamHarness, type StreamHarness } from '../../support/stream-harness.ts';

const engineWith = (bufferBatches: number): ModelEngine => createModelEngine(seededRandom(5), { bufferBatches });

/** Follows an engine from now on; what is missing is replayed where the engine has a replay. */
const follow = (engine: ModelEngine, options: Parameters<typeof createStreamHarness>[0] = {}): StreamHarness => {
  const harness = createStreamHarness({ replay: createFakeReplayPort((from) => engine.replay(from)), ...options });
  harness.stream.connected();
  return harness;
};

/** Publishes to everyone who follows. */
const publish = (engine: ModelEngine, batches: number, ...followers: readonly StreamHarness[]): void => {
  for (let count = 0; count < batches; count += 1) {
    const frames = engine.step();
    for (const { stream } of followers) stream.receive(frames);
  }
};

const positionOf = ({ stream }: StreamHarness): StreamPosition => {
  const position = stream.position();
  if (position === null) throw new Error('nothing is known');
  return position;
};

/** What `peer` knows, for `harness`. */
const warmState = (peer: StreamHarness, harness: StreamHarness, changes: Partial<WarmState> = {}): WarmState => {
  const saved = peer.index.save(peer.endpoint);
  return {
    position: positionOf(peer),
    startedAtSeconds: null,
    toldStartSeconds: null,
    load: () => harness.index.restore(harness.holder, saved),
    ...changes,
  };
};

/** An engine with a short replay buffer, one who has followed it all along, and one who comes late. */
const lateJoin = async (options: Parameters<typeof createStreamHarness>[0] = {}) => {
  const engine = engineWith(3);
  const peer = follow(engine);
  publish(engine, 10, peer);
  const late = follow(engine, options);
  await late.clock.advance(0);
  return { engine, peer, late };
};

const expectTrue = (harness: StreamHarness, engine: ModelEngine): void => {
  expect(harness.index.contents(harness.endpoint)).toEqual(engine.contents());
  expect(harness.stream.report()).toMatchObject({ state: 'live', trust: 'exact', lastSequence: engine.lastSequence });
};

describe('taking on content of elsewhere', () => {
  it('makes a stream exact that joined too late for the replay buffer', async () => {
    const { engine, peer, late } = await lateJoin();
    expect(late.stream.trust()).toMatchObject({ trust: 'degraded', reason: 'batches-lost' });
    const warm = warmState(peer, late);
    publish(engine, 2, peer, late);
    await expect(late.stream.adopt(warm)).resolves.toBe('adopted');
    await late.clock.advance(0);
    expectTrue(late, engine);
    expect(late.replay.requests.at(-1)?.from).toBe(9);
  });

  it('lets live batches wait meanwhile', async () => {
    const { engine, peer, late } = await lateJoin();
    const warm = warmState(peer, late);
    const load = function* () {
      yield* warm.load();
      publish(engine, 2, late);
      expect(late.stream.report()).toMatchObject({ state: 'replaying', queuedBatches: 2, lastSequence: null });
    };
    await expect(late.stream.adopt({ ...warm, load })).resolves.toBe('adopted');
    await late.clock.advance(0);
    expectTrue(late, engine);
  });

  it('goes on with the batches that waited where there is no replay', async () => {
    const { engine, peer, late } = await lateJoin({ hasReplay: false, isHeld: true });
    publish(engine, 2, peer, late);
    expect(late.stream.report()).toMatchObject({ trust: 'fallback', queuedBatches: 2 });
    const warm = warmState(peer, late);
    publish(engine, 2, peer, late);
    await expect(late.stream.adopt(warm)).resolves.toBe('adopted');
    expectTrue(late, engine);
  });

  it('is not exact without a replay before the next live batch came', async () => {
    const { engine, peer, late } = await lateJoin({ hasReplay: false, isHeld: true });
    const warm = warmState(peer, late, { startedAtSeconds: engine.startedAtSeconds });
    await expect(late.stream.adopt(warm)).resolves.toBe('adopted');
    expect(late.stream.trust()).toMatchObject({ trust: 'degraded', reason: 'gap' });
    publish(engine, 1, late);
    expectTrue(late, engine);
  });

  it('stays degraded by as much as is missing from it', async () => {
    const engine = engineWith(3);
    const first = follow(engine);
    publish(engine, 1);
    publish(engine, 6);
    publish(engine, 1, first);
    await first.clock.advance(0);
    publish(engine, 6, first);
    const late = follow(engine);
    await late.clock.advance(0);
    const { lostBatches } = positionOf(first);
    await expect(late.stream.adopt(warmState(first, late))).resolves.toBe('adopted');
    await late.clock.advance(0);
    expect(late.stream.report()).toMatchObject({ trust: 'degraded', reason: 'batches-lost', batchesLost: lostBatches });
  });

  it('counts as lost what neither it nor the replay buffer has', async () => {
    const { engine, peer } = await lateJoin();
    const saved = peer.index.save(peer.endpoint);
    const position = positionOf(peer);
    publish(engine, 7);
    const late = follow(engine);
    await late.clock.advance(0);
    const load = () => late.index.restore(late.holder, saved);
    const { startedAtSeconds } = engine;
    await expect(late.stream.adopt({ position, load, startedAtSeconds, toldStartSeconds: null })).resolves.toBe(
      'adopted',
    );
    await late.clock.advance(0);
    expect(late.stream.report()).toMatchObject({ trust: 'degraded', reason: 'batches-lost', batchesLost: 4 });
  });
});

describe('refusing content of elsewhere', () => {
  it('says that nothing is missing', async () => {
    const { peer, late } = await lateJoin();
    await expect(peer.stream.adopt(warmState(late, peer))).resolves.toBe('not-needed');
  });

  it('says that more is missing from it', async () => {
    const { engine, late } = await lateJoin();
    publish(engine, 4);
    const later = follow(engine);
    await later.clock.advance(0);
    await expect(late.stream.adopt(warmState(later, late))).resolves.toBe('not-better');
  });

  it('says that a replay runs, or that the engine is not connected', async () => {
    const { peer, late } = await lateJoin();
    const warm = warmState(peer, late);
    late.stream.disconnected();
    await expect(late.stream.adopt(warm)).resolves.toBe('busy');
  });

  it('finds by a batch under the same number that the engine restarted', async () => {
    const { engine, peer } = await lateJoin();
    const saved = warmState(peer, peer);
    engine.restart();
    publish(engine, 10);
    const late = follow(engine);
    await late.clock.advance(0);
    await expect(late.stream.adopt({ ...saved, load: warmState(peer, late).load })).resolves.toBe('restarted');
    expect(late.stream.report()).toMatchObject({ trust: 'degraded', reason: 'batches-lost', lastSequence: 9 });
  });

  it('finds by the start of the process that the engine restarted', async () => {
    const { engine, peer } = await lateJoin();
    const warm = warmState(peer, peer);
    engine.restart();
    publish(engine, 30);
    const late = follow(engine);
    await late.clock.advance(0);
    const { startedAtSeconds } = engine;
    await expect(late.stream.adopt({ ...warm, startedAtSeconds })).resolves.toBe('restarted');
  });

  it('asks the engine for the last batch where nothing else tells, and does without where it has none', async () => {
    const { engine, peer } = await lateJoin();
    const warm = warmState(peer, peer);
    publish(engine, 30);
    const late = follow(engine);
    await late.clock.advance(0);
    await expect(late.stream.adopt(warm)).resolves.toBe('unproven');
    expect(late.replay.requests.at(-1)).toMatchObject({ from: 9, isClosed: true });
  });

  it('says that what came after it is gone where there is no replay', async () => {
    const { engine, peer, late } = await lateJoin({ hasReplay: false });
    publish(engine, 1, late);
    const warm = warmState(peer, late);
    publish(engine, 1, late);
    await expect(late.stream.adopt(warm)).resolves.toBe('behind');
  });

  it.each<readonly [string, (harness: StreamHarness) => void]>([
    ['the connection goes', ({ stream }) => stream.disconnected()],
    ['the engine restarts', ({ stream }) => stream.restarted({ reason: 'process-start' })],
    ['the cache is emptied', ({ stream }) => stream.cleared('asleep')],
    ['the endpoint is no longer followed', ({ stream }) => stream.close('unfollowed')],
  ])('leaves nothing of it behind when %s meanwhile', async (_, happen) => {
    const { engine, peer, late } = await lateJoin();
    const warm = warmState(peer, late);
    const load = function* () {
      const steps = warm.load();
      for (let step = 0; step < 2; step += 1) {
        steps.next();
        yield;
      }
      happen(late);
      yield* steps;
    };
    await expect(late.stream.adopt({ ...warm, load })).resolves.toBe('interrupted');
    late.stream.connected();
    await late.clock.advance(0);
    expect(late.stream.trust().trust).not.toBe('exact');
    expect(late.index.contents(late.endpoint).size).toBeLessThan(engine.contents().size);
  });

  it('finds by the batches that waited that the engine restarted meanwhile', async () => {
    const { engine, peer, late } = await lateJoin();
    const warm = warmState(peer, late);
    const load = function* () {
      yield* warm.load();
      engine.restart();
      publish(engine, 2, late);
    };
    await expect(late.stream.adopt({ ...warm, load })).resolves.toBe('restarted');
    await late.clock.advance(0);
    expectTrue(late, engine);
  });

  it('joins anew when it cannot be loaded', async () => {
    const { peer, late } = await lateJoin();
    const load = function* (): Generator<void, void, void> {
      yield;
      throw new SidecarError('invalid-argument', 'not a dump');
    };
    await expect(late.stream.adopt({ ...warmState(peer, late), load })).rejects.toThrow('not a dump');
    await late.clock.advance(0);
    expect(late.stream.report()).toMatchObject({ state: 'live', trust: 'degraded', batchesLost: 7, lastSequence: 9 });
  });
});

describe('waiting for content of elsewhere', () => {
  it('ends with giving up what is missing', async () => {
    const { engine, late } = await lateJoin({ hasReplay: false, isHeld: true });
    publish(engine, 2, late);
    expect(late.stream.report()).toMatchObject({ trust: 'fallback', queuedBatches: 2, lastSequence: null });
    late.stream.release();
    expect(late.stream.report()).toMatchObject({ trust: 'degraded', reason: 'batches-lost', batchesLost: 10 });
  });

  it('does not keep a stream waiting that begins with its first batch', () => {
    const engine = engineWith(3);
    const harness = follow(engine, { hasReplay: false, isHeld: true });
    publish(engine, 2, harness);
    expectTrue(harness, engine);
  });
});
