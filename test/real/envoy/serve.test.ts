import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { createChatTraffic } from '../../support/app-chat.ts';
import { postJson, readJson } from '../../support/http.ts';
import { pollUntil, startWarmroute } from '../../support/process.ts';
import { runEngine } from '../../support/running-app.ts';
import { envoyExecutable, startEnvoy } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0') ?? '';
const describeReal = executable === '' ? describe.skip : describe;

interface Completion {
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

describeReal('Envoy, `warmroute serve` and two engines', () => {
  it('agree on every cached token of a growing chat load', async () => {
    await using first = await runEngine({ blocks: 400 });
    await using second = await runEngine({ blocks: 400 });
    const engines = [first, second];
    const folder = mkdtempSync(join(tmpdir(), 'warmroute-serve-'));
    const file = join(folder, 'config.json');
    const endpoints = engines.map(({ at }) => ({ address: at.address, events: at.eventsAddress }));
    writeFileSync(
      file,
      JSON.stringify({
        pools: [{ name: 'tiny', tokenizer: tinyQwenFolder, discovery: { static: endpoints } }],
        gateways: { extproc: { listen: '127.0.0.1:0' } },
        admin: { listen: '127.0.0.1:0' },
      }),
    );
    await using sidecar = startWarmroute(['serve', '--config', file]);
    const { listening }: { readonly listening: Readonly<Record<string, string>> } = JSON.parse(await sidecar.firstLine);
    const admin = `http://${listening['admin']}`;
    await pollUntil(async () => ((await fetch(`${admin}/readyz`)).ok ? true : undefined), {
      what: 'the sidecar is ready',
      deadlineMs: 20_000,
    });
    await using envoy = await startEnvoy(executable, {
      manifest: 'extproc-override-host',
      engines: engines.map(({ at }) => at.address),
      sidecar: listening['extproc'] ?? '',
    });
    const appliedBatches = async (): Promise<readonly number[]> => {
      const { endpoints: known } = await readJson<{
        readonly endpoints: readonly { readonly address: string; readonly lastSequence: number | null }[];
      }>(await fetch(`${admin}/api/v1/endpoints`));
      return engines.map(({ at }) => known.find(({ address }) => address === at.address)?.lastSequence ?? -1);
    };
    const traffic = createChatTraffic(5);
    const wrong: unknown[] = [];
    let cached = 0;
    for (let turn = 0; turn < 100; turn += 1) {
      const { messages, onAnswer } = traffic.next();
      const answer = await postJson(`${envoy.url}/v1/chat/completions`, { model: 'tiny', max_tokens: 8, messages });
      expect(answer.status).toBe(200);
      const { usage, choices } = await readJson<Completion>(answer);
      const actual = usage.prompt_tokens_details.cached_tokens;
      const predicted = answer.headers.get('x-warmroute-cached-tokens');
      if (predicted !== String(actual)) wrong.push({ turn, predicted, actual });
      cached += actual;
      onAnswer(choices[0]?.message.content ?? '');
      const published = engines.map(({ engine }) => engine.lastSequence(0) ?? -1);
      await pollUntil(
        async () =>
          (await appliedBatches()).every((last, index) => last >= (published[index] ?? 0)) ? true : undefined,
        { what: 'events are applied', deadlineMs: 5_000, intervalMs: 2 },
      );
    }
    rmSync(folder, { recursive: true });
    expect(wrong).toEqual([]);
    expect(cached).toBeGreaterThan(1_000);
    expect(await sidecar.stop()).toBe(0);
  });
});
