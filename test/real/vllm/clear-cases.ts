import { expect, it } from '@jest/globals';
import { chatTraffic, tokenRequest } from './chat-traffic.ts';
import { beginStream } from './streamed-answers.ts';
import type { VllmServer } from './vllm-server.ts';
import { type EndpointView, expectExact, type VllmWorld } from './vllm-world.ts';

const post = async (url: string): Promise<{ readonly headers: Headers; readonly text: string }> => {
  const response = await fetch(url, { method: 'POST' });
  const text = await response.text();
  expect(response.status).toBe(200);
  return { headers: response.headers, text };
};

const viewOf = async (world: VllmWorld, address: string): Promise<EndpointView | undefined> =>
  (await world.endpoints()).find((view) => view.address === address);

/** Caches that are emptied while the engine goes on; it announces each with its next request's events only. */
export const clearCases = (world: () => VllmWorld, servers: () => readonly VllmServer[]): void => {
  // One load for all cases, so that each begins with prompts whose beginnings are cached.
  const traffic = chatTraffic(13);

  it('predicts every request after a reset that passed through the proxy', async () => {
    expectExact(await world().run(traffic, 40));
    const { headers } = await post(`${world().urls.proxy}/reset_prefix_cache`);
    const address = headers.get('x-warmroute-endpoint') ?? '';
    expect(await viewOf(world(), address)).toMatchObject({ trust: 'exact', blocks: 0 });
    const others = (await world().endpoints()).filter((view) => view.address !== address);
    expect(others).toEqual([expect.objectContaining({ trust: 'exact', blocks: expect.any(Number) })]);
    expect(others[0]?.blocks).toBeGreaterThan(0);
    expectExact(await world().run(traffic, 60));
    expect(await viewOf(world(), address)).toMatchObject({ trust: 'exact' });
  });

  it('misses one request after a reset at the engine, counts it, and predicts the others', async () => {
    const request = tokenRequest(6000, 200);
    const { endpoint } = await world().send(request);
    const before = await viewOf(world(), endpoint);
    await post(`http://${endpoint}/reset_prefix_cache`);
    expect(await world().send(request)).toMatchObject({ endpoint, predicted: 192, actual: 0 });
    const after = await viewOf(world(), endpoint);
    expect((after?.audit.overTokens ?? 0) - (before?.audit.overTokens ?? 0)).toBe(192);
    expectExact(await world().run(traffic, 60));
    expect(await viewOf(world(), endpoint)).toMatchObject({ trust: 'exact' });
  });

  it('keeps the blocks of an engine that refuses a reset because it is in use', async () => {
    const { proxy } = world().urls;
    const streams = await Promise.all(
      [7000, 7500].map((first) => beginStream(proxy, { request: tokenRequest(first, 100), maxTokens: 150 })),
    );
    expect(new Set(streams.map(({ endpoint }) => endpoint)).size).toBe(2);
    const { headers, text } = await post(`${proxy}/reset_prefix_cache`);
    expect(JSON.parse(text)).toEqual({ success: false });
    const view = await viewOf(world(), headers.get('x-warmroute-endpoint') ?? '');
    expect(view?.blocks).toBeGreaterThan(0);
    for (const { outcome, endpoint } of streams) {
      expect(await outcome).toBe('whole');
      await world().settle({ endpoint, rank: 0 });
    }
    expectExact(await world().run(traffic, 40));
  });

  it('keeps requests from an engine that sleeps, and predicts them once it is awake', async () => {
    const [sleeper] = servers();
    const address = sleeper?.address ?? '';
    await post(`http://${address}/sleep?level=1`);
    await world().endpointOnce(address, ({ blocks }) => blocks === 0);
    expect(await world().candidates()).not.toContain(address);
    const meanwhile = await world().run(traffic, 30);
    expectExact(meanwhile);
    expect(meanwhile.map(({ endpoint }) => endpoint)).not.toContain(address);

    await post(`http://${address}/wake_up`);
    await world().candidateOnce(address);
    const awake = await world().run(traffic, 60);
    expectExact(awake);
    expect(awake.map(({ endpoint }) => endpoint)).toContain(address);
    expect(await viewOf(world(), address)).toMatchObject({ trust: 'exact' });
  });
};
