import { expect, it } from '@jest/globals';
import { chatTraffic } from './chat-traffic.ts';
import { type Edge, expectExact, type VllmWorld } from './vllm-world.ts';

/** Predictions under a mixed load that evicts, behind both HTTP edges. */
export const trafficCases = (world: () => VllmWorld): void => {
  it.each<{ readonly edge: Edge; readonly seed: number }>([
    { edge: 'proxy', seed: 11 },
    { edge: 'consult', seed: 12 },
  ])('predicts cached_tokens of 300 requests behind $edge', async ({ edge, seed }) => {
    const outcomes = await world().run(chatTraffic(seed, { mixesApis: true }), 300, edge);
    expectExact(outcomes);
    expect(new Set(outcomes.map(({ endpoint }) => endpoint)).size).toBe(2);
    expect([...new Set(outcomes.map(({ kind }) => kind))].sort()).toEqual([
      'chat',
      'exact-blocks',
      'message',
      'response',
      'salted',
    ]);
    const cached = outcomes.reduce((sum, { actual }) => sum + actual, 0);
    expect(cached).toBeGreaterThan(0.3 * outcomes.reduce((sum, { engineTokens }) => sum + engineTokens, 0));
  });

  it('evicted blocks meanwhile', async () => {
    const text = await (await fetch(`${world().urls.admin}/metrics`)).text();
    const removed = [...text.matchAll(/^warmroute_events_applied_total\{[^}]*block-removed[^}]*\} (\d+)/gm)];
    expect(removed.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(0);
  });
};
