import { afterAll, beforeAll, describe } from '@jest/globals';
import { clearCases } from './clear-cases.ts';
import { restartCases } from './restart-cases.ts';
import { trafficCases } from './traffic-cases.ts';
import { startVllm, type VllmServer, vllmExecutable } from './vllm-server.ts';
import { startVllmWorld, type VllmWorld } from './vllm-world.ts';

const executable = vllmExecutable('0.32.0');
if (executable === null) console.log('SKIPPED vllm: test/real/vllm/install.sh has not been run');

(executable === null ? describe.skip : describe)('two real vLLM 0.32 replicas', () => {
  let servers: readonly VllmServer[] = [];
  let world: VllmWorld;

  beforeAll(async () => {
    if (executable === null) return;
    servers = await Promise.all([startVllm(executable), startVllm(executable)]);
    world = await startVllmWorld(servers.map((server) => ({ server })));
  }, 480_000);

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  }, 60_000);

  trafficCases(() => world);
  describe('whose caches are emptied', () =>
    clearCases(
      () => world,
      () => servers,
    ));
  describe('that restart', () =>
    restartCases(
      () => world,
      () => servers,
    ));
});
