import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { createHeldChats, type HeldChats } from '../../support/held-chats.ts';
import { appConfig, type RunningApp, type RunningEngine, runApp, runEngine } from '../../support/running-app.ts';
import { hasNginx, startNginx } from './nginx-server.ts';

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
  let engines: readonly RunningEngine[] = [];
  let app: RunningApp;
  let chats: HeldChats;

  beforeAll(async () => {
    engines = [await runEngine(), await runEngine()];
    app = await runApp(appConfig(engines));
    chats = createHeldChats({ engines, app });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    for (const engine of engines) await engine[Symbol.asyncDispose]();
  });

  /** Each chat goes to the engine that holds it, with as many tokens cached as was predicted. */
  const expectExact = async (url: string, prefix: string): Promise<void> => {
    for (const { holder, asked } of await chats.askHeld(url, prefix)) {
      expect(asked).toMatchObject({ status: 200, by: [holder], decision: { reason: 'prefix' } });
      expect(asked.cachedTokens).toBe(asked.decision?.predictedCachedTokens);
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
    expect((await chats.send(nginx.url, 'x'.repeat(33 * 2 ** 20))).status).toBe(413);
  });

  it('ingress-nginx: the snippet asks by headers and goes to the pick; the header a client sends picks nothing', async () => {
    const snippet = await overlay('ingress-nginx/consult.conf');
    await using nginx = await startNginx(snippet.replace('http://warmroute.llm.svc.cluster.local:9010', app.consult));
    const places = new Map<string, Set<string>>();
    for (let index = 0; index < 24; index += 1) {
      const session = `session-${index % 6}`;
      const { status, decision, by } = await chats.ask(nginx.url, `Question ${index}`, { 'x-session-id': session });
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
