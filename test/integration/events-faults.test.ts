import { describe, expect, it } from '@jest/globals';
import type { Engine } from '../../sidecar/simulator/index.ts';

type Faults = Parameters<Engine['setFaults']>[0];

import { createEventWorld, type EventWorld, startTestEngine, type TestEngine } from '../support/event-world.ts';

/** Expects the index to hold just what the engine holds, and the stream to vouch for it. */
const expectTrue = async (world: EventWorld, id: ReturnType<EventWorld['follow']>, engine: TestEngine, rank = 0) => {
  await world.settled(id, engine, rank);
  await world.until(id, ({ trust }) => trust === 'exact');
  expect(world.differences(id, engine, rank)).toEqual([]);
};
/** Asks the engine whether the end of its stream was lost, until nothing is missing. */
const verified = async (world: EventWorld, id: ReturnType<EventWorld['follow']>, engine: TestEngine) => {
  await world.until(id, ({ state }) => state === 'live');
  world.streams.verify(id);
  await world.settled(id, engine);
};

describe('the index follows an engine', () => {
  it('from its start on', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.load(60, 1);
    await expectTrue(world, id, engine);
    expect(world.streams.status(id)).toMatchObject({ batchesLost: 0, malformedFrames: 0, gaps: 0 });
  });

  it.each(['0.23.0', '0.32.0'] as const)('of vLLM %s, joined late, by its replay buffer', async (version) => {
    await using engine = await startTestEngine({ version });
    await engine.load(40, 2);
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.load(10, 3);
    await expectTrue(world, id, engine);
    expect(world.streams.firstReplayDone(id)).toBe(true);
  });

  it('with each rank on its own', async () => {
    await using engine = await startTestEngine({ ranks: 2, eventsAddress: 'tcp://127.0.0.1:*' });
    await using world = await createEventWorld();
    const ids = [0, 1].map((rank) => world.follow(engine, { rank }));
    await engine.load(40, 4);
    for (const [rank, id] of ids.entries()) await expectTrue(world, id, engine, rank);
  });

  it('that dials in, told apart from another by its topic', async () => {
    await using world = await createEventWorld({ bind: 'tcp://127.0.0.1:*' });
    const eventsAddress = world.boundAddress ?? '';
    const dialling = (port: number, topic: string) =>
      startTestEngine({ eventsAddress, eventsSocket: 'connect', port, topic });
    // The topic names the address, so the port must be known before the engine starts.
    await using probe = await startTestEngine();
    await using other = await startTestEngine();
    const [first, second] = [probe.at.address, other.at.address];
    await probe.engine.stop();
    await other.engine.stop();
    await using a = await dialling(Number(first.split(':')[1]), `kv@${first}@tiny-qwen`);
    const idA = world.follow(a);
    await a.engine.subscribed(1);
    await using b = await dialling(Number(second.split(':')[1]), `kv@${second}@tiny-qwen`);
    const idB = world.follow(b);
    await b.engine.subscribed(1);
    await a.load(20, 5);
    await b.load(20, 6);
    await expectTrue(world, idA, a);
    await expectTrue(world, idB, b);
    await a.engine.kill();
    await b.load(5, 7);
    await expectTrue(world, idB, b);
  });

  it('through a reset of its cache', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.load(20, 8);
    const reset = await fetch(`http://${engine.at.address}/reset_prefix_cache`, { method: 'POST' });
    expect(reset.status).toBe(200);
    await engine.load(3, 9);
    await expectTrue(world, id, engine);
  });
});

describe('faults', () => {
  it.each<[string, Faults]>([
    ['1 % of batches dropped', { drop: 0.01 }],
    ['10 % of batches dropped', { drop: 0.1 }],
    ['10 % of batches sent twice', { duplicate: 0.1 }],
    ['10 % of batches sent late', { reorder: 0.1 }],
    ['all of it', { drop: 0.05, duplicate: 0.05, reorder: 0.05 }],
  ])('%s leave no trace', async (_, faults) => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.engine.setFaults(faults);
    await engine.load(150, 10);
    await engine.engine.setFaults({ drop: 0, duplicate: 0, reorder: 0 });
    await verified(world, id, engine);
    await expectTrue(world, id, engine);
    expect(world.streams.status(id)).toMatchObject({ batchesLost: 0, restarts: 0 });
  });

  it.each(['same', 'fresh'] as const)('a restart in place with %s hashes is noticed', async (hashes) => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.load(30, 11);
    await world.settled(id, engine);
    await engine.engine.restart({ hashes });
    await engine.load(30, 12);
    await world.until(id, ({ restarts, state }) => restarts > 0 && state === 'live');
    await expectTrue(world, id, engine);
  });

  it('a restart that overtook the old number unseen is noticed', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.load(5, 13);
    await world.settled(id, engine);
    await engine.engine.setFaults({ isStalled: true });
    await engine.engine.restart({ hashes: 'same' });
    await engine.load(40, 14);
    await world.until(id, ({ restarts, state }) => restarts > 0 && state === 'live');
    await engine.engine.setFaults({ isStalled: false });
    await expectTrue(world, id, engine);
  });

  it('a replay buffer that is too short leaves the endpoint degraded, by the number of batches', async () => {
    await using engine = await startTestEngine({ replayBatches: 10 });
    await engine.load(30, 15);
    const published = (engine.engine.lastSequence() ?? 0) + 1;
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await world.settled(id, engine);
    expect(world.streams.status(id)).toMatchObject({ trust: 'degraded', batchesLost: published - 10 });
  });

  it.each(['silent', 'absent', 'garbage', 'truncated'] as const)(
    'a replay socket that is %s keeps the endpoint from being exact until it answers',
    async (replay) => {
      await using engine = await startTestEngine();
      await engine.engine.setFaults({ replay });
      await engine.load(12, 16);
      await using world = await createEventWorld();
      const id = world.follow(engine);
      await world.until(id, ({ state, replays }) => state === 'live' && replays > 0);
      await engine.engine.subscribed(1);
      if (replay !== 'truncated') {
        await engine.load(6, 17);
        await world.settled(id, engine);
        expect(world.streams.trust(id).trust).toBe('degraded');
      }
      await engine.engine.setFaults({ replay: 'serving' });
      await expectTrue(world, id, engine);
    },
  );

  it('a stalled publisher is caught up with', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.engine.setFaults({ isStalled: true });
    await engine.load(40, 18);
    await engine.engine.setFaults({ isStalled: false });
    await expectTrue(world, id, engine);
  });

  it('a clear within a gap is caught up with', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.load(10, 19);
    await engine.engine.setFaults({ drop: 1 });
    await engine.load(5, 20);
    await fetch(`http://${engine.at.address}/reset_prefix_cache`, { method: 'POST' });
    await engine.load(5, 21);
    await engine.engine.setFaults({ drop: 0 });
    await engine.load(2, 22);
    await expectTrue(world, id, engine);
  });

  it('an engine that is gone degrades, goes stale, and comes back true', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const id = world.follow(engine);
    await engine.engine.subscribed(1);
    await engine.load(10, 23);
    await world.settled(id, engine);
    await engine.engine.kill();
    await world.until(id, ({ state, trust }) => state === 'connecting' && trust === 'degraded');
    await world.until(id, ({ state, trust }) => state === 'stale' && trust === 'fallback');
    await engine.engine.start();
    await engine.load(3, 24);
    await expectTrue(world, id, engine);
  });

  it('an address where nobody publishes leaves the endpoint a fallback within the time allowed', async () => {
    await using engine = await startTestEngine();
    await using world = await createEventWorld();
    const http = `tcp://${engine.at.address}`;
    const ids = [http, 'tcp://127.0.0.1:1'].map((eventsAddress) =>
      world.follow(engine, { eventsAddress, replayAddress: null }),
    );
    for (const id of ids) await world.until(id, ({ state }) => state === 'stale');
    expect(ids.map((id) => world.streams.trust(id))).toEqual([
      { trust: 'fallback', reason: 'not-connected', missingShare: 1 },
      { trust: 'fallback', reason: 'not-connected', missingShare: 1 },
    ]);
  });

  it('a sidecar that starts anew under load joins again', async () => {
    await using engine = await startTestEngine();
    const load = engine.load(120, 25);
    for (let life = 0; life < 3; life += 1) {
      await using world = await createEventWorld();
      const id = world.follow(engine);
      await world.until(id, ({ state, trust }) => state === 'live' && trust === 'exact');
    }
    await load;
    await using world = await createEventWorld();
    await expectTrue(world, world.follow(engine), engine);
  });
});

describe('many endpoints', () => {
  it('join at once, eight replays at a time', async () => {
    await using stack = new AsyncDisposableStack();
    const engines: TestEngine[] = [];
    for (let i = 0; i < 64; i += 1) engines.push(stack.use(await startTestEngine()));
    await Promise.all(engines.map((engine, i) => engine.load(6, 100 + i)));
    const world = stack.use(await createEventWorld());
    const followed = engines.map((engine) => ({ engine, id: world.follow(engine) }));
    for (const { id, engine } of followed) await expectTrue(world, id, engine);
  });
});
