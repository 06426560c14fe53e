import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decisionId, poolName } from '../../sidecar/core/index.ts';
import { createConsultGateway, createProxyGateway, type Gateway } from '../../sidecar/gateway/index.ts';
import type { Router } from '../../sidecar/routing/index.ts';
import { createFakeRouter, endpointAt } from '../support/fake-router.ts';
import { openRaw } from '../support/raw-http.ts';
import { json, type ScriptedEngine, startScriptedEngine } from '../support/scripted-engine.ts';
import { quietGatewayOptions, started } from '../support/started-gateway.ts';

interface Edge {
  readonly name: string;
  readonly observesResponse: boolean;
  readonly create: (router: Router, listen?: string) => Gateway;
}

const edges: readonly Edge[] = [
  {
    name: 'proxy',
    observesResponse: true,
    create: (router, listen = '127.0.0.1:0') => createProxyGateway({ ...quietGatewayOptions, router, listen }),
  },
  {
    name: 'consult',
    observesResponse: false,
    create: (router, listen = '127.0.0.1:0') => createConsultGateway({ ...quietGatewayOptions, router, listen }),
  },
];

const request = (body: string, headers = ''): string =>
  `POST /v1/completions HTTP/1.1\r\nhost: a\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe.each(edges)('$name as a gateway', ({ create, observesResponse }) => {
  const withEngine = async (use: (engine: ScriptedEngine) => Promise<void>): Promise<void> => {
    await using engine = await startScriptedEngine(json({}));
    await use(engine);
  };

  it('gives routing the request and the client the decision', () =>
    withEngine(async (engine) => {
      const router = createFakeRouter([endpointAt(engine.address)]);
      await using edge = await started(create(router));
      const body = '{"prompt":"\u00fc"}';
      const response = await fetch(`${edge.url}/v1/completions?x=1`, { method: 'POST', body });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-warmroute-decision')).toBe('d-1');
      expect(response.headers.get('x-warmroute-reason')).toBe('prefix');
      expect(router.requests).toHaveLength(1);
      expect(router.requests[0]).toMatchObject({
        method: 'POST',
        path: '/v1/completions?x=1',
        isBodyComplete: true,
        excluded: null,
        subset: null,
        observesResponse,
      });
      expect(Buffer.from(router.requests[0]?.body ?? []).toString()).toBe(body);
    }));

  it("never lets a client speak in the sidecar's name", () =>
    withEngine(async (engine) => {
      const router = createFakeRouter([endpointAt(engine.address)]);
      await using edge = await started(create(router));
      const names = ['x-gateway-destination-endpoint', 'x-gateway-destination-endpoint-subset', 'x-warmroute-reason'];
      const headers = Object.fromEntries(names.map((name) => [name, '6.6.6.6:1']));
      const response = await fetch(edge.url, { headers });
      expect(names.map((name) => router.requests[0]?.header(name))).toEqual([undefined, undefined, undefined]);
      expect([...response.headers.values()]).not.toContain('6.6.6.6:1');
    }));

  it('answers 503 in the shape of OpenAI when there is no endpoint', async () => {
    await using edge = await started(create(createFakeRouter([])));
    const response = await fetch(edge.url, { method: 'POST', body: '{}' });
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-warmroute-decision')).toBe('d-1');
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: 'server_error', param: null, code: 'no-endpoint' },
    });
  });

  it('answers 429 with retry-after when admission refuses', async () => {
    const refused = { kind: 'refused', id: decisionId('r'), pool: poolName('qwen'), retryAfterSeconds: 3 } as const;
    await using edge = await started(create(createFakeRouter([], () => refused)));
    const response = await fetch(edge.url);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
  });

  it('answers 500 when routing throws, now or later', async () => {
    const routers: Router[] = [
      {
        route: () => {
          throw new Error('bug');
        },
      },
      { route: () => Promise.reject(new Error('bug')) },
    ];
    for (const router of routers) {
      await using edge = await started(create(router));
      expect((await fetch(edge.url)).status).toBe(500);
    }
  });

  it('takes any body, leaves no ticket open and hands over the very bytes', () =>
    withEngine(async (engine) => {
      const router = createFakeRouter([endpointAt(engine.address)]);
      await using edge = await started(create(router));
      const cut = fc.tuple(fc.json(), fc.nat(200)).map(([text, length]) => Buffer.from(text.slice(0, length)));
      const bodies = fc.oneof(fc.uint8Array({ maxLength: 300 }), cut, fc.json().map(Buffer.from));
      await fc.assert(
        fc.asyncProperty(bodies, async (body) => {
          const response = await fetch(edge.url, { method: 'POST', body: new Uint8Array(body) });
          await response.arrayBuffer();
          expect(response.status).toBe(200);
          expect(Buffer.from(router.requests.at(-1)?.body ?? []).equals(body)).toBe(true);
        }),
        { numRuns: 100 },
      );
      await router.closed();
      expect(router.openTickets).toBe(0);
    }));

  it('survives what is not HTTP', () =>
    withEngine(async (engine) => {
      const router = createFakeRouter([endpointAt(engine.address)]);
      await using edge = await started(create(router));
      for (const garbage of [
        '\x16\x03\x01\x02\x00\x01',
        'GET / HTTP/9.9\r\n\r\n',
        request('x', 'content-length: 5\r\n'),
      ]) {
        await using client = await openRaw(edge.address);
        client.write(garbage);
        expect(await client.closed()).toMatch(/^HTTP\/1.1 (400|505) |^$/);
      }
      expect((await fetch(edge.url)).status).toBe(200);
    }));

  it('lets no ticket leak when clients leave at any point', () =>
    withEngine(async (engine) => {
      const router = createFakeRouter([endpointAt(engine.address)]);
      await using edge = await started(create(router));
      const text = request('{"prompt":"hello"}');
      for (let bytes = 1; bytes <= text.length; bytes += 7) {
        await using client = await openRaw(edge.address);
        await new Promise<void>((resolve) => void client.socket.write(text.slice(0, bytes), () => resolve()));
      }
      // A later request on the same loop: everything before it has been read by then.
      expect((await fetch(edge.url)).status).toBe(200);
      await router.closed();
      expect(router.openTickets).toBe(0);
    }));

  it('says so when it cannot listen', async () => {
    await using first = await started(create(createFakeRouter([])));
    const second = create(createFakeRouter([]), first.address);
    await expect(second.start(new AbortController().signal)).rejects.toMatchObject({
      code: 'listen-failed',
      details: { listen: first.address, cause: 'EADDRINUSE' },
    });
  });

  it('reports an IPv6 address in brackets', async () => {
    await using edge = await started(create(createFakeRouter([]), '[::1]:0'));
    expect(edge.address).toMatch(/^\[::1\]:\d+$/);
    expect((await fetch(edge.url)).status).toBe(503);
  });

  it('answers what is in flight while it stops, and nothing new', () =>
    withEngine(async (engine) => {
      const router = createFakeRouter([endpointAt(engine.address)]);
      const asked = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const slow: Router = {
        route: async (routeRequest) => {
          asked.resolve();
          await gate.promise;
          return router.route(routeRequest);
        },
      };
      await using edge = await started(create(slow));
      await using client = await openRaw(edge.address);
      await using late = await openRaw(edge.address);
      late.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n');
      client.write(request('{}'));
      await asked.promise;
      const stopped = edge.gateway.stop(60_000);
      await expect(openRaw(edge.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      late.write('\r\n{}');
      expect(await late.closed()).toContain('shutting-down');
      gate.resolve();
      await stopped;
      expect(await client.closed()).toContain('HTTP/1.1 200 ');
      expect(router.openTickets).toBe(0);
    }));

  it('breaks what is left at the deadline', async () => {
    const asked = Promise.withResolvers<void>();
    const hanging: Router = {
      route: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    };
    await using edge = await started(create(hanging));
    await using client = await openRaw(edge.address);
    client.write(request('{}'));
    await asked.promise;
    await edge.gateway.stop(1);
    expect(await client.closed()).toBe('');
  });

  it('stops when its signal is aborted', async () => {
    const gateway = create(createFakeRouter([]));
    const abort = new AbortController();
    const { address } = await gateway.start(abort.signal);
    await using client = await openRaw(address);
    abort.abort();
    await client.closed();
    await gateway.stop(0);
    await expect(openRaw(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(create(createFakeRouter([])).start(abort.signal)).rejects.toThrow(/abort/i);
  });
});
