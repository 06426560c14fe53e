import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postJson, readJson } from '../../support/http.ts';
import { pollUntil, startWarmroute, type TestProcess } from '../../support/process.ts';
import { chatTraffic, type TrafficRequest } from './chat-traffic.ts';
import { modelFolder, startVllm, type VllmServer, vllmExecutable } from './vllm-server.ts';

const executable = vllmExecutable('0.32.0');
if (executable === null) console.log('SKIPPED vllm: test/real/vllm/install.sh has not been run');

interface Listening {
  readonly proxy: string;
  readonly consult: string;
  readonly admin: string;
}

interface Usage {
  readonly prompt_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number } | null;
}

interface Completion {
  readonly usage: Usage;
  readonly choices: readonly { readonly message?: { readonly content: string | null }; readonly text?: string }[];
}

interface Explained {
  readonly promptTokens: number;
  readonly candidates: readonly { readonly endpoint: string; readonly cachedTokens: number }[];
}

/** One request and what became of it. */
interface Outcome {
  readonly kind: string;
  readonly endpoint: string;
  readonly promptTokens: number;
  readonly predicted: number;
  readonly actual: number;
  readonly engineTokens: number;
}

(executable === null ? describe.skip : describe)('two real vLLM 0.32 replicas', () => {
  let folder = '';
  let engines: readonly VllmServer[] = [];
  let sidecar: TestProcess;
  let listening: Listening;

  beforeAll(async () => {
    if (executable === null) return;
    folder = mkdtempSync(join(tmpdir(), 'warmroute-vllm-'));
    engines = await Promise.all([startVllm(executable), startVllm(executable)]);
    const config = {
      pools: [
        {
          name: 'tiny',
          tokenizer: modelFolder,
          discovery: {
            static: engines.map(({ address, events, replay }, index) => ({
              name: `e${index}`,
              address,
              events,
              replay,
            })),
          },
        },
      ],
      gateways: { proxy: { listen: '127.0.0.1:0' }, consult: { listen: '127.0.0.1:0' } },
      admin: { listen: '127.0.0.1:0' },
    };
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(config));
    sidecar = startWarmroute(['serve', '--config', file]);
    const line: { readonly listening: Listening } = JSON.parse(await sidecar.firstLine);
    listening = line.listening;
    await pollUntil(async () => ((await fetch(`http://${listening.admin}/readyz`)).ok ? true : undefined), {
      what: 'readiness',
      deadlineMs: 30_000,
    });
  }, 300_000);

  afterAll(async () => {
    await sidecar?.stop();
    await Promise.all(engines.map((engine) => engine.process.stop()));
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** Waits until the index holds every full block of a prompt just served. */
  const settled = async ({ path, body }: TrafficRequest, endpoint: string): Promise<void> => {
    await pollUntil(
      async () => {
        const response = await postJson(`http://${listening.admin}/api/v1/explain?path=${path}`, body);
        const explained = await readJson<Explained>(response);
        const reusable = Math.floor((explained.promptTokens - 1) / 32) * 32;
        const candidate = explained.candidates.find((other) => other.endpoint === endpoint);
        return candidate?.cachedTokens === reusable ? true : undefined;
      },
      { what: `events of ${endpoint}`, deadlineMs: 10_000, intervalMs: 5 },
    );
  };

  const outcomeOf = async (
    request: TrafficRequest,
    answer: Response,
    routed: { readonly headers: Headers; readonly endpoint: string },
  ): Promise<Outcome> => {
    expect(answer.status).toBe(200);
    const completion = await readJson<Completion>(answer);
    request.onAnswer(completion.choices[0]?.message?.content ?? completion.choices[0]?.text ?? '');
    await settled(request, routed.endpoint);
    return {
      kind: request.kind,
      endpoint: routed.endpoint,
      promptTokens: Number(routed.headers.get('x-warmroute-prompt-tokens')),
      predicted: Number(routed.headers.get('x-warmroute-cached-tokens')),
      actual: completion.usage.prompt_tokens_details?.cached_tokens ?? 0,
      engineTokens: completion.usage.prompt_tokens,
    };
  };

  const viaProxy = async (request: TrafficRequest): Promise<Outcome> => {
    const answer = await postJson(`http://${listening.proxy}${request.path}`, request.body);
    return outcomeOf(request, answer, {
      headers: answer.headers,
      endpoint: answer.headers.get('x-warmroute-endpoint') ?? '',
    });
  };

  const viaConsult = async (request: TrafficRequest): Promise<Outcome> => {
    const consulted = await postJson(`http://${listening.consult}${request.path}`, request.body);
    const endpoint = consulted.headers.get('x-gateway-destination-endpoint') ?? '';
    await consulted.arrayBuffer();
    return outcomeOf(request, await postJson(`http://${endpoint}${request.path}`, request.body), {
      headers: consulted.headers,
      endpoint,
    });
  };

  it.each([
    { edge: 'proxy', seed: 11, send: viaProxy },
    { edge: 'consult', seed: 12, send: viaConsult },
  ])('predicts cached_tokens of 300 requests behind $edge', async ({ seed, send }) => {
    const traffic = chatTraffic(seed);
    const outcomes: Outcome[] = [];
    for (let count = 0; count < 300; count += 1) {
      const { value } = traffic.next();
      outcomes.push(await send(value));
    }
    expect(outcomes.filter(({ predicted, actual }) => predicted !== actual)).toEqual([]);
    expect(outcomes.filter(({ promptTokens, engineTokens }) => promptTokens !== engineTokens)).toEqual([]);
    const endpoints = new Set(outcomes.map(({ endpoint }) => endpoint));
    expect(endpoints.size).toBe(2);
    const kinds = new Set(outcomes.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['chat', 'exact-blocks', 'salted']);
    const cached = outcomes.reduce((sum, { actual }) => sum + actual, 0);
    expect(cached).toBeGreaterThan(0.3 * outcomes.reduce((sum, { engineTokens }) => sum + engineTokens, 0));
  });

  it('evicted blocks meanwhile', async () => {
    const text = await (await fetch(`http://${listening.admin}/metrics`)).text();
    const removed = [...text.matchAll(/^warmroute_events_applied_total\{[^}]*block-removed[^}]*\} (\d+)/gm)];
    expect(removed.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(0);
  });
});
