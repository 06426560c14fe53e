import { describe, expect, it } from '@jest/globals';
import { parseConfig } from '../../sidecar/config/index.ts';
import { tinyQwenFolder } from '../../sidecar/simulator/index.ts';
import { postJson, readJson } from '../support/http.ts';
import { type RunningApp, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';

const configOf = (pools: Readonly<Record<string, RunningEngine>>) =>
  parseConfig(
    {},
    JSON.stringify({
      pools: Object.entries(pools).map(([name, { at }]) => ({
        name,
        tokenizer: tinyQwenFolder,
        discovery: { static: [{ address: at.address, events: at.eventsAddress }] },
      })),
      gateways: { proxy: { listen: '127.0.0.1:0' } },
      admin: { listen: '127.0.0.1:0' },
    }),
  ).config;

/** Waits until every engine was asked for its models. */
const modelsKnown = async ({ app }: RunningApp): Promise<void> => {
  for (const { pool } of app.pools()) {
    if (pool.snapshot().endpoints.every(({ models }) => models !== null)) continue;
    await new Promise<void>((resolve) => {
      const leave = pool.onChange(({ endpoints }) => {
        if (endpoints.some(({ models }) => models === null)) return;
        leave();
        resolve();
      });
    });
  }
};

interface Usage {
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

describe('LoRA adapters', () => {
  it('belong to the pool whose engines list them, and have a cache of their own', async () => {
    await using other = await runEngine({ model: 'other' });
    await using base = await runEngine({ model: 'tiny', loraAdapters: ['sql', 'poems'] });
    await using app = await runApp(configOf({ other, base }));
    await modelsKnown(app);
    const ask = async (model: string) => {
      const content = `Count the rows. ${'They are many and long. '.repeat(20)}`;
      const body = { model, messages: [{ role: 'user', content }], max_tokens: 2 };
      const answer = await postJson(`${app.proxy}/v1/chat/completions`, body);
      const { usage } = await readJson<Usage>(answer);
      await app.settled(base);
      return {
        endpoint: answer.headers.get('x-warmroute-endpoint'),
        predicted: Number(answer.headers.get('x-warmroute-cached-tokens')),
        actual: usage.prompt_tokens_details.cached_tokens,
      };
    };
    expect(await ask('sql')).toEqual({ endpoint: base.at.address, predicted: 0, actual: 0 });
    const again = await ask('sql');
    expect(again.endpoint).toBe(base.at.address);
    expect(again.predicted).toBeGreaterThan(0);
    expect(again.predicted).toBe(again.actual);
    for (const model of ['poems', 'tiny'])
      expect(await ask(model)).toEqual({ endpoint: base.at.address, predicted: 0, actual: 0 });
    expect((await ask('other')).endpoint).toBe(other.at.address);
  });
});
