import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { postJson, readJson } from '../../support/http.ts';
import { pollUntil, startWarmroute, type TestProcess } from '../../support/process.ts';
import type { TrafficRequest } from './chat-traffic.ts';
import { modelFolder, type VllmServer } from './vllm-server.ts';

/** How a request reaches its engine: through the reverse proxy, or sent by the test to where the consult edge says. */
export type Edge = 'proxy' | 'consult';

/** One request and what became of it. */
export interface Outcome {
  readonly kind: string;
  readonly endpoint: string;
  readonly rank: number;
  readonly promptTokens: number;
  readonly predicted: number;
  readonly actual: number;
  readonly engineTokens: number;
}

/** What `GET /api/v1/endpoints` says of one endpoint, as far as these tests read it. */
export interface EndpointView {
  readonly name: string;
  readonly address: string;
  readonly rank: number;
  readonly trust: string;
  readonly trustReason: string | null;
  readonly blocks: number;
  readonly lastSequence: number | null;
  readonly inFlight: { readonly requests: number };
  readonly audit: { readonly requests: number; readonly exact: number; readonly overTokens: number };
}

/** An answer of chat completions or completions, of Anthropic's messages, or of responses. */
interface Answer {
  readonly usage: {
    readonly prompt_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens: number } | null;
    readonly input_tokens?: number;
    readonly cache_read_input_tokens?: number;
    readonly cache_creation_input_tokens?: number;
    readonly input_tokens_details?: { readonly cached_tokens: number };
  };
  readonly choices?: readonly { readonly message?: { readonly content: string | null }; readonly text?: string }[];
  readonly content?: readonly { readonly text?: string }[];
  readonly output?: readonly { readonly content?: readonly { readonly text?: string }[] | null }[];
}

const textOf = ({ choices, content, output }: Answer): string => {
  const parts = content ?? output?.flatMap((item) => item.content ?? []);
  return parts?.map(({ text }) => text ?? '').join('') ?? choices?.[0]?.message?.content ?? choices?.[0]?.text ?? '';
};

/** Tokens of the prompt, and those of them that were cached. vLLM 0.23 leaves the details out where nothing was. */
const countsOf = ({ usage }: Answer): Pick<Outcome, 'actual' | 'engineTokens'> => {
  const { input_tokens: input = 0, input_tokens_details: details, cache_read_input_tokens: read = 0 } = usage;
  if (details !== undefined) return { actual: details.cached_tokens, engineTokens: input };
  if (usage.prompt_tokens === undefined)
    return { actual: read, engineTokens: input + read + (usage.cache_creation_input_tokens ?? 0) };
  return { actual: usage.prompt_tokens_details?.cached_tokens ?? 0, engineTokens: usage.prompt_tokens };
};

interface Explained {
  readonly candidates: readonly { readonly endpoint: string; readonly rank: number; readonly cachedTokens: number }[];
}

interface Place {
  readonly endpoint: string;
  readonly rank: number;
}

/** The sidecar's own process in front of real vLLM servers. */
export interface VllmWorld extends AsyncDisposable {
  /** Base URLs; other ones after a restart. */
  readonly urls: { readonly proxy: string; readonly consult: string; readonly admin: string };
  /** Sends one request and waits until the index has everything that it changed in its engine. */
  send(request: TrafficRequest, edge?: Edge): Promise<Outcome>;
  /** Sends the next requests of a load, one after the other. */
  run(traffic: Generator<TrafficRequest, never>, count: number, edge?: Edge): Promise<readonly Outcome[]>;
  endpoints(): Promise<readonly EndpointView[]>;
  /** Addresses that a request may go to right now. */
  candidates(): Promise<readonly string[]>;
  /** Waits until an address is among them. */
  candidateOnce(address: string): Promise<void>;
  /** Waits until an endpoint is seen as `isMet` says. */
  endpointOnce(address: string, isMet: (view: EndpointView) => boolean): Promise<EndpointView>;
  /** Has an engine compute a prompt of its own, and waits for its event: every earlier one is applied then. */
  settle(place: Place): Promise<void>;
  /** Kills the sidecar, runs `meanwhile`, and starts another one with the same configuration. */
  restartSidecar(meanwhile?: () => Promise<void>): Promise<void>;
}

/** Starts the sidecar for one pool of engines and waits until it is ready. Disposing ends the sidecar, not the engines. */
export const startVllmWorld = async (
  engines: readonly { readonly server: VllmServer; readonly dataParallelSize?: number }[],
): Promise<VllmWorld> => {
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-vllm-'));
  const file = join(folder, 'config.json');
  const endpoints = engines.map(({ server: { address, events, replay }, dataParallelSize = 1 }, index) => ({
    name: `e${index}`,
    address,
    events,
    replay,
    dataParallelSize,
  }));
  const config = {
    pools: [{ name: 'tiny', tokenizer: modelFolder, discovery: { static: endpoints } }],
    gateways: { proxy: { listen: '127.0.0.1:0' }, consult: { listen: '127.0.0.1:0' } },
    admin: { listen: '127.0.0.1:0' },
  };
  writeFileSync(file, JSON.stringify(config));

  let sidecar: TestProcess;
  let urls = { proxy: '', consult: '', admin: '' };
  const startSidecar = async (): Promise<void> => {
    sidecar = startWarmroute(['serve', '--config', file]);
    const { listening }: { readonly listening: typeof urls } = JSON.parse(await sidecar.firstLine);
    const { proxy, consult, admin } = listening;
    urls = { proxy: `http://${proxy}`, consult: `http://${consult}`, admin: `http://${admin}` };
    await pollUntil(async () => ((await fetch(`${urls.admin}/readyz`)).ok ? true : undefined), {
      what: 'readiness',
      deadlineMs: 30_000,
    });
  };

  const readAdmin = async <Shape>(path: string): Promise<Shape> => readJson(await fetch(`${urls.admin}${path}`));
  const explain = async (path: string, body: unknown): Promise<Explained> =>
    readJson(await postJson(`${urls.admin}/api/v1/explain?path=${path}`, body));
  const endpointViews = async (): Promise<readonly EndpointView[]> =>
    (await readAdmin<{ readonly endpoints: readonly EndpointView[] }>('/api/v1/endpoints')).endpoints;

  const candidates = async (): Promise<readonly string[]> => {
    const explained = await explain('/v1/completions', { model: 'tiny', prompt: [1, 2, 3] });
    return explained.candidates.map(({ endpoint }) => endpoint);
  };

  let settled = 0;
  const settle = async ({ endpoint, rank }: Place): Promise<void> => {
    settled += 1;
    // 33 tokens that no other prompt begins with: one block, and the last token that is always computed.
    const prompt = [2000 + (settled % 5000), 2000 + Math.floor(settled / 5000), ...new Array<number>(31).fill(1999)];
    const body = { model: 'tiny', prompt, max_tokens: 1, temperature: 0 };
    const answer = await fetch(`http://${endpoint}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-data-parallel-rank': String(rank) },
      body: JSON.stringify(body),
    });
    await answer.arrayBuffer();
    expect(answer.status).toBe(200);
    const isThere = async (): Promise<true | undefined> => {
      const { candidates } = await explain('/v1/completions', body);
      const held = candidates.find((other) => other.endpoint === endpoint && other.rank === rank);
      return held?.cachedTokens === 32 ? true : undefined;
    };
    await pollUntil(isThere, { what: `events of ${endpoint} rank ${rank}`, deadlineMs: 10_000, intervalMs: 5 });
  };

  const outcomeOf = async (request: TrafficRequest, answer: Response, place: Place, headers: Headers) => {
    expect(answer.status).toBe(200);
    const json = await readJson<Answer>(answer);
    request.onAnswer(textOf(json));
    await settle(place);
    return {
      kind: request.kind,
      ...place,
      promptTokens: Number(headers.get('x-warmroute-prompt-tokens')),
      predicted: Number(headers.get('x-warmroute-cached-tokens')),
      ...countsOf(json),
    };
  };

  const senders: Readonly<Record<Edge, (request: TrafficRequest) => Promise<Outcome>>> = {
    proxy: async (request) => {
      const answer = await postJson(`${urls.proxy}${request.path}`, request.body);
      const { headers } = answer;
      const id = headers.get('x-warmroute-decision');
      const { rank } = await readAdmin<{ readonly rank: number | null }>(`/api/v1/decisions/${id}`);
      const place = { endpoint: headers.get('x-warmroute-endpoint') ?? '', rank: rank ?? -1 };
      return outcomeOf(request, answer, place, headers);
    },
    consult: async (request) => {
      const consulted = await postJson(`${urls.consult}${request.path}`, request.body);
      await consulted.arrayBuffer();
      const { headers } = consulted;
      const rank = headers.get('x-data-parallel-rank');
      const place = { endpoint: headers.get('x-gateway-destination-endpoint') ?? '', rank: Number(rank ?? 0) };
      const answer = await fetch(`http://${place.endpoint}${request.path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(rank === null ? {} : { 'x-data-parallel-rank': rank }) },
        body: JSON.stringify(request.body),
      });
      return outcomeOf(request, answer, place, headers);
    },
  };
  const send = (request: TrafficRequest, edge: Edge = 'proxy'): Promise<Outcome> => senders[edge](request);

  await startSidecar();
  return {
    get urls() {
      return urls;
    },
    send,
    run: async (traffic, count, edge) => {
      const outcomes: Outcome[] = [];
      while (outcomes.length < count) outcomes.push(await send(traffic.next().value, edge));
      return outcomes;
    },
    endpoints: endpointViews,
    candidates,
    candidateOnce: async (address) => {
      await pollUntil(async () => ((await candidates()).includes(address) ? true : undefined), {
        what: `requests for ${address}`,
        deadlineMs: 30_000,
      });
    },
    endpointOnce: (address, isMet) =>
      pollUntil(async () => (await endpointViews()).find((view) => view.address === address && isMet(view)), {
        what: `state of ${address}: ${isMet}`,
        deadlineMs: 30_000,
      }),
    settle,
    restartSidecar: async (meanwhile) => {
      await sidecar.stop('SIGKILL');
      await meanwhile?.();
      await startSidecar();
    },
    [Symbol.asyncDispose]: async () => {
      await sidecar.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Asserts that every prediction was the engine's own figure, and every prompt counted as the engine counts it. */
export const expectExact = (outcomes: readonly Outcome[]): void => {
  expect(outcomes.filter(({ predicted, actual }) => predicted !== actual)).toEqual([]);
  expect(outcomes.filter(({ promptTokens, engineTokens }) => promptTokens !== engineTokens)).toEqual([]);
};
