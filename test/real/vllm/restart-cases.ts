import { expect, it } from '@jest/globals';
import { postJson } from '../../support/http.ts';
import { chatTraffic, type TrafficRequest, tokenRequest } from './chat-traffic.ts';
import { beginStream } from './streamed-answers.ts';
import type { VllmServer } from './vllm-server.ts';
import { expectExact, type VllmWorld } from './vllm-world.ts';

/** Restarts of the sidecar, then of an engine in place. */
export const restartCases = (world: () => VllmWorld, servers: () => readonly VllmServer[]): void => {
  const traffic = chatTraffic(14);
  /** Requests whose prompts only the killed engine had cached. */
  const lost: TrafficRequest[] = [];

  it('predicts the first request of a restarted sidecar, whatever engines computed meanwhile', async () => {
    expectExact(await world().run(traffic, 40));
    const before = await world().endpoints();
    await world().restartSidecar(async () => {
      for (const { url } of servers()) {
        for (let count = 0; count < 5; count += 1) {
          const { path, body, onAnswer } = traffic.next().value;
          const answer = await postJson(`${url}${path}`, body);
          onAnswer(JSON.parse(await answer.text()).choices[0]?.message?.content ?? '');
        }
      }
    });
    const after = await world().endpoints();
    expect(after.map(({ name, trust }) => ({ name, trust }))).toEqual([
      { name: 'e0', trust: 'exact' },
      { name: 'e1', trust: 'exact' },
    ]);
    for (const [index, { lastSequence, blocks }] of after.entries()) {
      expect(lastSequence).toBeGreaterThan(before[index]?.lastSequence ?? Number.NaN);
      expect(blocks).toBeGreaterThan(0);
    }
    const outcomes = await world().run(traffic, 60);
    expectExact(outcomes);
    expect(outcomes.slice(0, 10).some(({ predicted }) => predicted > 0)).toBe(true);
  });

  it('loses only answers already begun when an engine is killed', async () => {
    const [victim, survivor] = servers();
    if (victim === undefined || survivor === undefined) throw new Error('there are no two servers');
    const { proxy } = world().urls;
    const numbers = [0, 1, 2, 3, 4, 5];
    const streams = await Promise.all(
      numbers.map((number) => {
        const request = tokenRequest(3000 + 200 * number, 100);
        return beginStream(proxy, { request, maxTokens: 400 });
      }),
    );
    expect(new Set(streams.map(({ endpoint }) => endpoint)).size).toBe(2);
    const whole = (number: number): Promise<Response> => {
      const { path, body } = tokenRequest(5000 + 250 * number, 200);
      return postJson(`${proxy}${path}`, { ...body, max_tokens: 60, ignore_eos: true });
    };
    const sentBefore = numbers.map(whole);
    // Both engines have some of them once they compute more requests than there are streams.
    await world().endpointOnce(victim.address, ({ inFlight }) => inFlight.requests > 3);
    await victim.kill();
    const sentAfter = numbers.map((number) => whole(number + 10));

    for (const answer of await Promise.all([...sentBefore, ...sentAfter])) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-warmroute-endpoint')).toBe(survivor.address);
      await answer.arrayBuffer();
    }
    for (const { request, endpoint, outcome } of streams) {
      if (endpoint === victim.address) lost.push(request);
      expect(await outcome).toBe(endpoint === victim.address ? 'broken' : 'whole');
    }
    expect(await world().candidates()).toEqual([survivor.address]);
    await world().settle({ endpoint: survivor.address, rank: 0 });
    const outcomes = await world().run(traffic, 30);
    expectExact(outcomes);
    expect(new Set(outcomes.map(({ endpoint }) => endpoint))).toEqual(new Set([survivor.address]));
  });

  // Since vLLM 0.29 the next process computes the same hashes: what the last one held would look valid.
  it('forgets what an engine held that is restarted in place, then predicts it again', async () => {
    const [restarted] = servers();
    const address = restarted?.address ?? '';
    const before = (await world().endpoints()).find((view) => view.address === address);
    expect(before?.trust).not.toBe('exact');
    await restarted?.startAgain();
    await world().candidateOnce(address);
    const view = await world().endpointOnce(address, ({ trust }) => trust === 'exact');
    expect(view).toMatchObject({ blocks: 0, lastSequence: null });
    for (const request of lost) {
      expect(await world().send(request)).toMatchObject({ predicted: 0, actual: 0, promptTokens: 100 });
    }
    const outcomes = await world().run(traffic, 80);
    expectExact(outcomes);
    expect(outcomes.map(({ endpoint }) => endpoint)).toContain(address);
    expect(await world().endpointOnce(address, ({ blocks }) => blocks > 0)).toMatchObject({ trust: 'exact' });
  });
};
