import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chatTraffic } from './chat-traffic.ts';
import { startVllm, type VllmServer, vllmExecutable } from './vllm-server.ts';
import { expectExact, type Outcome, startVllmWorld, type VllmWorld } from './vllm-world.ts';

const older = vllmExecutable('0.23.0');
const newer = vllmExecutable('0.32.0');
const isInstalled = older !== null && newer !== null;
if (!isInstalled) console.log('SKIPPED vllm versions: test/real/vllm/install.sh has not put both 0.23 and 0.32');

// Events of 0.23 are arrays and its replays have no topic; 0.32 sends maps, with a topic.
(isInstalled ? describe : describe.skip)('vLLM 0.23 beside 0.32 in one pool', () => {
  let servers: readonly VllmServer[] = [];
  let world: VllmWorld;
  const traffic = chatTraffic(21);

  beforeAll(async () => {
    if (older === null || newer === null) return;
    servers = await Promise.all([startVllm(older), startVllm(newer)]);
    world = await startVllmWorld(servers.map((server) => ({ server })));
  }, 480_000);

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  }, 60_000);

  const servedBy = (outcomes: readonly Outcome[], server: VllmServer | undefined): readonly Outcome[] =>
    outcomes.filter(({ endpoint }) => endpoint === server?.address);

  it('predicts both, and audits the misses that 0.23 does not write', async () => {
    const outcomes = await world.run(traffic, 150);
    expectExact(outcomes);
    const views = await world.endpoints();
    for (const [index, server] of servers.entries()) {
      const served = servedBy(outcomes, server);
      const firstHit = served.findIndex(({ actual }) => actual > 0);
      const isSilentOnMiss = index === 0;
      expect(served.slice(firstHit).some(({ actual }) => actual === 0)).toBe(true);
      const { trust, audit } = views[index] ?? {};
      expect(trust).toBe('exact');
      // Chats and completions are two APIs, of which each must have shown the figure once.
      if (!isSilentOnMiss) expect(audit?.requests).toBe(served.length);
      expect(audit?.requests).toBeGreaterThan(served.filter(({ actual }) => actual > 0).length);
      expect(audit?.exact).toBe(audit?.requests);
    }
  });

  it('replays both to a restarted sidecar', async () => {
    const before = await world.endpoints();
    await world.restartSidecar();
    const facts = ({ trust, blocks, lastSequence }: (typeof before)[number]) => ({ trust, blocks, lastSequence });
    expect((await world.endpoints()).map(facts)).toEqual(before.map(facts));
    const outcomes = await world.run(traffic, 60, 'consult');
    expectExact(outcomes);
    for (const server of servers) expect(servedBy(outcomes, server)).not.toEqual([]);
  });
});
