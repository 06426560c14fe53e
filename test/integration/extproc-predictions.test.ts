import { describe, expect, it } from '@jest/globals';
import { createChatTraffic } from '../support/app-chat.ts';
import { createExtprocClient } from '../support/extproc-client.ts';
import { forwardAsDataPlane } from '../support/extproc-data-plane.ts';
import { readJson } from '../support/http.ts';
import { freePort } from '../support/process.ts';
import { appConfig, runApp, runEngine } from '../support/running-app.ts';

interface Completion {
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

interface Recorded {
  readonly endpoint: string;
  readonly predictedCachedTokens: number;
  readonly actualCachedTokens: number | null;
}

describe('the whole sidecar as an external processor', () => {
  it('predicts what the engines report, audits it, and leaves nothing in flight', async () => {
    await using first = await runEngine({ blocks: 260 });
    await using second = await runEngine({ blocks: 260 });
    const engines = [first, second];
    const listen = `127.0.0.1:${await freePort()}`;
    await using app = await runApp(appConfig(engines, { gateways: { extproc: { listen } } }));
    using client = createExtprocClient({ address: listen });
    expect(await client.health('')).toBe('SERVING');
    const traffic = createChatTraffic(11);
    const wrong: unknown[] = [];
    let cached = 0;
    for (let turn = 0; turn < 150; turn += 1) {
      const { messages, onAnswer } = traffic.next();
      const body = Buffer.from(JSON.stringify({ model: 'tiny', max_tokens: 8, messages }));
      const forwarded = await forwardAsDataPlane(client, { path: '/v1/chat/completions', body });
      expect(forwarded.status).toBe(200);
      const { usage, choices }: Completion = JSON.parse(forwarded.body.toString());
      const actual = usage.prompt_tokens_details.cached_tokens;
      const id = forwarded.added['x-warmroute-decision'] ?? '';
      const record = await readJson<Recorded>(await fetch(`${app.admin}/api/v1/decisions/${id}`));
      const expected = { endpoint: forwarded.endpoint, predictedCachedTokens: actual, actualCachedTokens: actual };
      if (
        forwarded.added['x-warmroute-cached-tokens'] !== String(actual) ||
        Object.entries(expected).some(([name, value]) => Reflect.get(record, name) !== value)
      ) {
        wrong.push({ turn, added: forwarded.added, actual, record });
      }
      cached += actual;
      onAnswer(choices[0]?.message.content ?? '');
      await Promise.all(engines.map((engine) => app.settled(engine)));
    }
    expect(wrong).toEqual([]);
    expect(cached).toBeGreaterThan(0);
    const { endpoints } = await readJson<{ readonly endpoints: readonly { readonly inFlight: object }[] }>(
      await fetch(`${app.admin}/api/v1/endpoints`),
    );
    for (const { inFlight } of endpoints) expect(inFlight).toMatchObject({ requests: 0 });
  });
});
