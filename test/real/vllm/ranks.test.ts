import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chatTraffic } from './chat-traffic.ts';
import { startVllm, type VllmServer, vllmExecutable } from './vllm-server.ts';
import { type EndpointView, expectExact, startVllmWorld, type VllmWorld } from './vllm-world.ts';

const executable = vllmExecutable('0.32.0');
if (executable === null) console.log('SKIPPED vllm ranks: test/real/vllm/install.sh has not been run');

// One address, two engine cores: each has its own cache, event port and replay port (base + rank).
(executable === null ? describe.skip : describe)('two data-parallel ranks of one vLLM 0.32', () => {
  let server: VllmServer | undefined;
  let world: VllmWorld;
  const traffic = chatTraffic(31);

  beforeAll(async () => {
    if (executable === null) return;
    server = await startVllm(executable, { dataParallelSize: 2 });
    world = await startVllmWorld([{ server, dataParallelSize: 2 }]);
  }, 480_000);

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  }, 60_000);

  const factsOf = ({ name, rank, trust, blocks, lastSequence }: EndpointView) => ({
    name,
    rank,
    trust,
    blocks,
    lastSequence,
  });

  it.each(['proxy', 'consult'] as const)('predicts what the picked rank has cached, behind %s', async (edge) => {
    const outcomes = await world.run(traffic, 120, edge);
    expectExact(outcomes);
    expect(new Set(outcomes.map(({ rank }) => rank))).toEqual(new Set([0, 1]));
    expect(await world.endpoints()).toEqual([
      expect.objectContaining({ name: 'e0#0', rank: 0, trust: 'exact', blocks: expect.any(Number) }),
      expect.objectContaining({ name: 'e0#1', rank: 1, trust: 'exact', blocks: expect.any(Number) }),
    ]);
  });

  it('replays each rank to a restarted sidecar', async () => {
    const before = (await world.endpoints()).map(factsOf);
    for (const { blocks } of before) expect(blocks).toBeGreaterThan(0);
    await world.restartSidecar();
    expect((await world.endpoints()).map(factsOf)).toEqual(before);
    expectExact(await world.run(traffic, 40));
  });

  it('empties both ranks at a reset that passed through the proxy', async () => {
    const answer = await fetch(`${world.urls.proxy}/reset_prefix_cache`, { method: 'POST' });
    await answer.arrayBuffer();
    expect((await world.endpoints()).map(({ blocks }) => blocks)).toEqual([0, 0]);
    expectExact(await world.run(traffic, 40));
  });
});
