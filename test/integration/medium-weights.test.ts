import { describe, expect, it } from '@jest/globals';
import { XPublisher } from 'zeromq';
import { sequenceNumber } from '../../sidecar/core/index.ts';
import { batchOf, liveFrames } from '../support/event-payloads.ts';
import { appConfig, runApp } from '../support/running-app.ts';
import { json, startScriptedEngine } from '../support/scripted-engine.ts';

const BLOCK = 16;
const prompt = Array.from({ length: 20 * BLOCK + 1 }, (_, position) => 300 + position);
const hashes = (blocks: number) => Array.from({ length: blocks }, (_, block) => block + 1);

const storedOnGpu = (blocks: number) => [
  'BlockStored',
  hashes(blocks),
  null,
  prompt.slice(0, blocks * BLOCK),
  BLOCK,
  null,
  'GPU',
];
/** The placeholder that vLLM's offloading connector sends by default. */
const offloaded = (blocks: number) => ['BlockStored', hashes(blocks), null, [], 0, null, 'CPU'];
const droppedFromGpu = (blocks: number) => ['BlockRemoved', hashes(blocks), 'GPU'];

/** An engine of which only the events matter. */
const startEngine = async (name: string) => {
  const http = await startScriptedEngine((response, request) =>
    json(request.url === '/v1/models' ? { object: 'list', data: [{ id: 'tiny' }] } : {})(response),
  );
  const events = new XPublisher({ linger: 0 });
  await events.bind('tcp://127.0.0.1:*');
  const subscribed = events.receive();
  return {
    endpoint: { name, address: http.address, events: events.lastEndpoint ?? '', metrics: null },
    publish: async (batch: readonly unknown[]) => {
      await subscribed;
      await events.send(liveFrames(0, batchOf(batch)).map((frame) => Buffer.from(frame)));
    },
    [Symbol.asyncDispose]: async () => {
      events.close();
      await http[Symbol.asyncDispose]();
    },
  };
};

/** What consult says where one engine has offloaded 16 blocks to host memory and the other holds 8 on its GPU. */
const consult = async (mediumWeights: Readonly<Record<string, number>>) => {
  await using offloading = await startEngine('offloading');
  await using small = await startEngine('small');
  const engines = [offloading, small];
  await using running = await runApp(
    appConfig([], {
      pools: [
        {
          name: 'tiny',
          models: ['tiny'],
          discovery: { static: engines.map(({ endpoint }) => endpoint) },
          events: { mediumWeights },
        },
      ],
    }),
  );
  await offloading.publish([storedOnGpu(16), offloaded(16), droppedFromGpu(16)]);
  await small.publish([storedOnGpu(8)]);
  const [pool] = running.app.pools();
  for (const { endpoint } of pool?.pool.snapshot().endpoints ?? []) {
    await pool?.streams.applied(endpoint.id, sequenceNumber(0));
  }
  const answer = await fetch(`${running.consult}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'tiny', prompt }),
  });
  const picked = engines.find(
    ({ endpoint }) => endpoint.address === answer.headers.get('x-gateway-destination-endpoint'),
  );
  return { name: picked?.endpoint.name, cachedTokens: answer.headers.get('x-warmroute-cached-tokens') };
};

describe('blocks that an engine has offloaded to host memory', () => {
  it('draw requests by default, with the prediction of the blocks that will be loaded', async () => {
    expect(await consult({})).toEqual({ name: 'offloading', cachedTokens: String(16 * BLOCK) });
  });

  it('draw less than fewer blocks on the GPU where their medium is configured to count little', async () => {
    expect(await consult({ CPU: 0.2 })).toEqual({ name: 'small', cachedTokens: String(8 * BLOCK) });
  });
});
