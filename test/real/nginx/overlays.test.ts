import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readJson } from '../../support/http.ts';
import { appConfig, type RunningApp, type RunningEngine, runApp, runEngine } from '../../support/running-app.ts';
import { hasNginx, startNginx } from './nginx-server.ts';

interface Recorded {
  readonly endpoint: string;
  readonly reason: string;
  readonly predictedCachedTokens: number;
}

interface Completion {
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

const overlay = (path: string): Promise<string> =>
  readFile(new URL(`../../../kustomize/overlays/${path}`, import.meta.url), 'utf8');

/** What ingress-nginx makes of these annotations, by its documentation. */
const directives: Readonly<Record<string, (value: string) => string>> = {
  'proxy-body-size': (value) => `client_max_body_size ${value};`,
  'proxy-buffering': (value) => `proxy_buffering ${value};`,
  'proxy-request-buffering': (value) => `proxy_request_buffering ${value};`,
  'proxy-read-timeout': (value) => `proxy_read_timeout ${value}s;`,
};

/** NGINX Gateway Fabric's question, as gateway.md describes it: all headers, the whole body, always to `/`. */
const askLikeGatewayFabric = (consult: string): string => `
  async function route(request) {
    const headers = { 'X-EPP-Host': 'warmroute', 'X-EPP-Port': '9002' };
    for (const name in request.headersIn) {
      // njs of this age passes on what fetch sets itself.
      if (!/^(host|content-length|connection)$/i.test(name)) headers[name] = request.headersIn[name];
    }
    const reply = await ngx.fetch('${consult}/', { method: request.method, headers, body: request.requestText });
    request.variables.picked = (reply.status === 200 && reply.headers.get('X-Gateway-Destination-Endpoint')) || 'invalid';
    request.internalRedirect('@picked');
  }
  export default { route };`;

(hasNginx() ? describe : describe.skip)('overlays with a real nginx', () => {
  const engines = new Map<string, RunningEngine>();
  let app: RunningApp;

  beforeAll(async () => {
    for (let count = 0; count < 2; count += 1) {
      const running = await runEngine();
      engines.set(running.at.address, running);
    }
    app = await runApp(appConfig([...engines.values()]));
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
  });

  const served = (): ReadonlyMap<string, number> =>
    new Map([...engines].map(([address, { engine }]) => [address, engine.counters().finishedRequests]));

  const send = (url: string, content: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-gateway-destination-endpoint': '127.0.0.1:1', ...headers },
      // A system prompt of its own, so that not all share their first block.
      body: JSON.stringify({ model: 'tiny', max_tokens: 2, messages: [{ role: 'system', content }] }),
    });

  /** Sends one chat; gives its answer, the decision behind it, and the engines that served. */
  const ask = async (url: string, content: string, headers: Readonly<Record<string, string>> = {}) => {
    const before = served();
    const response = await send(url, content, headers);
    const { status } = response;
    const text = await response.text();
    const { decisions } = await readJson<{ decisions: readonly Recorded[] }>(
      await fetch(`${app.admin}/api/v1/decisions?limit=1`),
    );
    const by = [...served()]
      .filter(([address, count]) => count > (before.get(address) ?? 0))
      .map(([address]) => address);
    return { status, text, decision: decisions[0], by };
  };

  const cachedOf = (text: string): number => {
    const { usage }: Completion = JSON.parse(text);
    return usage.prompt_tokens_details.cached_tokens;
  };

  /** Ten chats that one of the engines has seen: each goes to that one, with as many tokens cached as was predicted. */
  const expectExact = async (url: string, prefix: string): Promise<void> => {
    const holders = [...engines.values()];
    const chats = Array.from({ length: 10 }, (_, index) => `${prefix} ${index}. ${'It goes on and on. '.repeat(20)}`);
    for (const [index, chat] of chats.entries()) {
      const holder = holders[index % 2];
      if (holder === undefined) throw new Error('there are two engines');
      await send(`http://${holder.at.address}`, chat);
      await app.settled(holder);
    }
    for (const [index, chat] of chats.entries()) {
      const { status, text, decision, by } = await ask(url, chat);
      expect(status).toBe(200);
      expect(by).toEqual([holders[index % 2]?.at.address]);
      expect(decision?.reason).toBe('prefix');
      expect(cachedOf(text)).toBe(decision?.predictedCachedTokens);
    }
  };

  it('ingress-nginx: the Ingress in front of the proxy routes exactly and passes streams through', async () => {
    const ingress: { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } } = parse(
      await overlay('ingress-nginx/ingress.yaml'),
    );
    const made = Object.entries(ingress.metadata.annotations).map(([key, value]) => {
      const directive = directives[key.replace('nginx.ingress.kubernetes.io/', '')];
      if (directive === undefined) throw new Error(`what does nginx make of ${key}?`);
      return directive(value);
    });
    const upstream = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass ${app.proxy};`;
    await using nginx = await startNginx(`location /v1 { ${made.join(' ')} ${upstream} }`);
    await expectExact(nginx.url, 'Ingress');

    const stream = await fetch(`${nginx.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tiny', max_tokens: 8, stream: true, messages: [{ role: 'user', content: 'x' }] }),
    });
    expect(await stream.text()).toMatch(/data: \[DONE\]\s*$/);
    expect((await ask(nginx.url, 'x'.repeat(33 * 2 ** 20))).status).toBe(413);
  });

  it('ingress-nginx: the snippet asks by headers and goes to the pick; the header a client sends picks nothing', async () => {
    const snippet = await overlay('ingress-nginx/consult.conf');
    await using nginx = await startNginx(snippet.replace('http://warmroute.llm.svc.cluster.local:9010', app.consult));
    const places = new Map<string, Set<string>>();
    for (let index = 0; index < 24; index += 1) {
      const session = `session-${index % 6}`;
      const { status, decision, by } = await ask(nginx.url, `Question ${index}`, { 'x-session-id': session });
      expect(status).toBe(200);
      expect(decision?.reason).toBe('session');
      expect(by).toEqual([decision?.endpoint]);
      places.set(session, (places.get(session) ?? new Set()).add(by[0] ?? ''));
    }
    // Headers only, so a session stays where it is, whatever its prompts are.
    expect([...places.values()].map(({ size }) => size)).toEqual(Array.from({ length: 6 }, () => 1));
  });

  it("nginx-gateway-fabric: the picker's question is answered by the consult listener, exactly", async () => {
    const server = `
      client_max_body_size 64m; client_body_buffer_size 64m; client_body_in_single_buffer on;
      location /v1 { js_content gateway.route; }
      location @picked { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://$picked; }`;
    await using nginx = await startNginx(server, askLikeGatewayFabric(app.consult));
    await expectExact(nginx.url, 'Fabric');
  });
});
