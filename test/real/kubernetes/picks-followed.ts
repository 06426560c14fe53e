import { expect } from '@jest/globals';
import { readJson } from '../../support/http.ts';
import type { RunningEngine } from '../../support/running-app.ts';

interface Recorded {
  readonly endpoint: string;
  readonly predictedCachedTokens: number;
}

interface Completion {
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

/**
 * Sends forty turns of ten chats through a gateway. Expects that the engine picked served each, with as many cached tokens as
 * predicted, and that both engines were picked.
 */
export const expectPicksFollowed = async (options: {
  /** By address. */
  readonly engines: ReadonlyMap<string, RunningEngine>;
  /** Admin URL of the sidecar. */
  readonly admin: string;
  readonly ask: (content: string) => Promise<Response>;
}): Promise<void> => {
  const { engines, admin, ask } = options;
  const served = (): ReadonlyMap<string, number> =>
    new Map([...engines].map(([address, { engine }]) => [address, engine.counters().finishedRequests]));
  const used = new Set<string>();
  for (let index = 0; index < 40; index += 1) {
    const before = served();
    const response = await ask(`Chat ${index % 10}. ${'It goes on and on. '.repeat(20)}`);
    expect(response.status).toBe(200);
    const { usage } = await readJson<Completion>(response);
    const { decisions } = await readJson<{ decisions: readonly Recorded[] }>(
      await fetch(`${admin}/api/v1/decisions?limit=1`),
    );
    const [decision] = decisions;
    const by = [...served()]
      .filter(([address, count]) => count > (before.get(address) ?? 0))
      .map(([address]) => address);
    expect(by).toEqual([decision?.endpoint]);
    expect(usage.prompt_tokens_details.cached_tokens).toBe(decision?.predictedCachedTokens);
    used.add(by[0] ?? '');
  }
  expect(used.size).toBe(2);
};
