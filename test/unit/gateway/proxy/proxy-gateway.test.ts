import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { type Clock, decisionId, endpointId, poolName } from '../../../../sidecar/core/index.ts';
import { createProxyGateway, type ProxyGatewayOptions } from '../../../../sidecar/gateway/index.ts';
import { createFakeRouter, endpointAt } from '../../../support/fake-router.ts';
import { openRaw, rawHeader } from '../../../support/raw-http.ts';
import { answerLater, json, startScriptedEngine } from '../../../support/scripted-engine.ts';
import { quietGatewayOptions, refusingAddress, started } from '../../../support/started-gateway.ts';

const startProxy = (options: Partial<ProxyGatewayOptions> & Pick<ProxyGatewayOptions, 'router'>) =>
  started(createProxyGateway({ ...quietGatewayOptions, ...options }));

const usage = { prompt_tokens: 40, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 32 } };
const observedUsage = { promptTokens: 40, cachedTokens: 32, completionTokens: 2 };

const post = (address: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://${address}/v1/chat/completions`, { method: 'POST', body, headers });

describe('proxy', () => {
  it('forwards the bytes as they came and answers with what was decided', async () => {
    await using engine = await startScriptedEngine(json({ usage }));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const body = '{"model":"m", "model":"m",\n "messages":[],"n":1.0,"s":"\\u0041\u00e9"}';

    const response = await post(proxy.address, body, { 'content-type': 'application/json', 'x-custom': 'kept' });

    expect(await response.json()).toEqual({ usage });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-warmroute-decision': 'd-1',
      'x-warmroute-endpoint': engine.address,
      'x-warmroute-reason': 'prefix',
      'x-warmroute-prompt-tokens': '40',
      'x-warmroute-cached-tokens': '32',
    });
    expect(engine.received[0]?.body.toString()).toBe(body);
    expect(engine.received[0]?.url).toBe('/v1/chat/completions');
    expect(engine.received[0]?.headers).toMatchObject({ 'x-custom': 'kept', 'content-type': 'application/json' });
    expect(router.tickets).toEqual([['first-token', { finished: observedUsage }]]);
  });

  it('leaves out counts that are not known', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)], () => ({ promptTokens: null, cachedTokens: null }));
    await using proxy = await startProxy({ router });
    const response = await post(proxy.address, '{}');
    expect(response.headers.has('x-warmroute-prompt-tokens')).toBe(false);
    expect(response.headers.has('x-warmroute-cached-tokens')).toBe(false);
  });

  it("removes the sidecar's own names from both sides before anything reads them", async () => {
    await using engine = await startScriptedEngine((response) => {
      response
        .writeHead(200, { 'x-warmroute-reason': 'forged', 'x-gateway-destination-endpoint': '6.6.6.6:1' })
        .end('{}');
    });
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const forged = {
      'x-gateway-destination-endpoint': '6.6.6.6:1',
      'X-Gateway-Destination-Endpoint-Subset': '6.6.6.6',
      'x-warmroute-decision': 'mine',
    };

    const response = await post(proxy.address, '{}', forged);

    expect(response.headers.get('x-warmroute-reason')).toBe('prefix');
    expect(response.headers.has('x-gateway-destination-endpoint')).toBe(false);
    expect(router.requests[0]?.header('x-gateway-destination-endpoint')).toBeUndefined();
    expect(router.requests[0]?.header('x-warmroute-decision')).toBeUndefined();
    expect(engine.received[0]?.rawHeaders.filter((name) => /warmroute|gateway-dest/i.test(name))).toEqual([]);
  });

  it('hands routing the whole body, the path and the headers', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await post(proxy.address, '{"a":1}', { 'x-session-id': 's' });
    const [request] = router.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      isBodyComplete: true,
      wholeBodyBytes: 7,
      subset: null,
      excluded: null,
      observesResponse: true,
    });
    expect(Buffer.from(request?.body ?? []).toString()).toBe('{"a":1}');
    expect(request?.header('x-session-id')).toBe('s');
  });

  it('names the rank where an address serves several', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address, { rank: 3, hasRanks: true })]);
    await using proxy = await startProxy({ router });
    await post(proxy.address, '{}', { 'x-data-parallel-rank': '0' });
    expect(engine.received[0]?.headers['x-data-parallel-rank']).toBe('3');
  });

  it('carries a body of 3 MB', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const body = Buffer.alloc(3_000_000, 'abcdefg');
    expect((await post(proxy.address, body)).status).toBe(200);
    expect(engine.received[0]?.body.equals(body)).toBe(true);
    expect(router.requests[0]?.body?.length).toBe(3_000_000);
  });

  it('answers requests without a body', async () => {
    await using engine = await startScriptedEngine(json({ object: 'list' }));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const response = await fetch(`${proxy.url}/v1/models?a=b`);
    expect(await response.json()).toEqual({ object: 'list' });
    expect(router.requests[0]).toMatchObject({
      method: 'GET',
      path: '/v1/models?a=b',
      body: null,
      isBodyComplete: true,
    });
    expect(engine.received[0]?.headers).not.toHaveProperty('content-length');
    expect(engine.received[0]?.url).toBe('/v1/models?a=b');
  });

  it('keeps the length of a HEAD answer', async () => {
    await using engine = await startScriptedEngine(json({ object: 'list' }));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const response = await fetch(`${proxy.url}/v1/models`, { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('17');
    expect(await response.text()).toBe('');
    await router.closed();
  });

  it('passes on an error status of the engine, which is no finished prompt', async () => {
    await using engine = await startScriptedEngine(json({ error: { message: 'no' } }, 400));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: { message: 'no' } });
    expect(router.tickets).toEqual([[{ failed: 'error-status' }]]);
  });
});

describe('proxy streaming', () => {
  it('lets each event through while the next is not there yet', async () => {
    await using engine = await startScriptedEngine(answerLater);
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    const exchange = engine.next();
    client.write('POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}');
    const { response } = await exchange;

    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.flushHeaders();
    expect(rawHeader(await client.until('\r\n\r\n'), 'x-warmroute-endpoint')).toBe(engine.address);
    expect(router.tickets).toEqual([[]]);

    response.write('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n');
    await client.until('assistant');
    expect(router.tickets).toEqual([[]]);

    response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n');
    await client.until('Hi');
    expect(router.tickets).toEqual([['first-token']]);

    response.write(`data: {"choices":[],"usage":${JSON.stringify(usage)}}\n\n`);
    await client.until('cached_tokens');
    expect(router.openTickets).toBe(1);

    response.end('data: [DONE]\n\n');
    await client.until('[DONE]\n\n\r\n0\r\n\r\n');
    await router.closed();
    expect(router.tickets).toEqual([['first-token', { finished: observedUsage }]]);
  });

  it('hands trailers on', async () => {
    await using engine = await startScriptedEngine((response) => {
      response.writeHead(200, { trailer: 'x-checksum' });
      response.write('{}');
      response.addTrailers({ 'x-checksum': 'abc' });
      response.end();
    });
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await client.until('abc\r\n\r\n')).toContain('0\r\nx-checksum: abc\r\n\r\n');
  });

  it('takes chunked requests with trailers and sends them on with their length', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    client.write('POST /v1/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n');
    client.write('3\r\n{"a\r\n4\r\n":1}\r\n0\r\nx-sum: 1\r\n\r\n');
    await client.until('\r\n\r\n{}');
    expect(engine.received[0]?.body.toString()).toBe('{"a":1}');
    expect(engine.received[0]?.headers).toMatchObject({ 'content-length': '7' });
    expect(engine.received[0]?.headers).not.toHaveProperty('transfer-encoding');
    expect(engine.received[0]?.headers).not.toHaveProperty('trailer');
  });

  it('tells a client that expects it to go on', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    client.write('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    client.write('{}');
    await client.until('HTTP/1.1 200 OK');
    expect(engine.received[0]?.headers).not.toHaveProperty('expect');
  });

  it('keeps connections open on both sides, and closes where the client asks', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    for (const count of [1, 2, 3]) {
      client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      await client.until(`d-${count}`);
      await router.closed();
    }
    client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close, x-hop\r\nx-hop: 1\r\n\r\n');
    expect(await client.closed()).toContain('connection: close');
    expect(engine.received[3]?.headers).not.toHaveProperty('x-hop');
    expect(engine.connections).toBe(1);
  });
});

describe('proxy when a side goes away', () => {
  it('ends the upstream request of a client that leaves while it waits', async () => {
    await using engine = await startScriptedEngine(answerLater);
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    const exchange = engine.next();
    client.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}');
    const { response } = await exchange;
    client.socket.destroy();
    await once(response, 'close');
    await router.closed();
    expect(router.tickets).toEqual([[{ failed: 'client-abort' }]]);
    expect(router.requests).toHaveLength(1);
  });

  it('ends the upstream request of a client that leaves mid-stream', async () => {
    await using engine = await startScriptedEngine(answerLater);
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    const exchange = engine.next();
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const { response } = await exchange;
    response.write('part');
    await client.until('part');
    client.socket.destroy();
    await once(response, 'close');
    await router.closed();
    expect(router.tickets).toEqual([['first-token', { failed: 'client-abort' }]]);
  });

  it('routes nothing for a client that leaves before its body is whole', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    const outcomes: string[] = [];
    let close = (): void => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const metrics = {
      ...quietGatewayOptions.metrics,
      count: (name: string, labels?: Readonly<Record<string, string>>) => {
        if (name !== 'requests_total') return;
        outcomes.push(labels?.['outcome'] ?? '');
        close();
      },
    };
    await using proxy = await startProxy({ router, metrics });
    await using client = await openRaw(proxy.address);
    client.write('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 20\r\n\r\n');
    await client.until('100 Continue');
    client.write('half');
    client.socket.destroy();
    await closed;
    expect(outcomes).toEqual(['client-abort']);
    expect(router.requests).toHaveLength(0);
  });

  it('ends the ticket of a client that leaves while routing thinks', async () => {
    const router = createFakeRouter([endpointAt(refusingAddress)]);
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const slow: typeof router = {
      ...router,
      route: async (request) => {
        asked.resolve();
        await gate.promise;
        return router.route(request);
      },
    };
    let close = (): void => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const metrics = { ...quietGatewayOptions.metrics, count: () => close() };
    await using proxy = await startProxy({ router: slow, metrics });
    await using client = await openRaw(proxy.address);
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await asked.promise;
    client.socket.destroy();
    await closed;
    gate.resolve();
    await router.routed();
    await router.closed();
    expect(router.tickets).toEqual([[{ failed: 'client-abort' }]]);
  });

  it('breaks the connection of a client whose engine dies mid-stream, and does not try another', async () => {
    await using engine = await startScriptedEngine(answerLater);
    await using other = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address), endpointAt(other.address)]);
    await using proxy = await startProxy({ router });
    await using client = await openRaw(proxy.address);
    const exchange = engine.next();
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const { response } = await exchange;
    response.write('part');
    await client.until('part');
    response.destroy();
    expect(await client.closed()).not.toContain('\r\n0\r\n');
    expect(router.tickets).toEqual([['first-token', { failed: 'upstream' }]]);
    expect(other.received).toHaveLength(0);
  });
});

describe('proxy when endpoints fail before they answer', () => {
  it('tries the next endpoint when the first refuses the connection', async () => {
    await using engine = await startScriptedEngine(json({ usage }));
    const router = createFakeRouter([endpointAt(refusingAddress), endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    const response = await post(proxy.address, '{"a":1}');
    expect(response.status).toBe(200);
    expect(response.headers.get('x-warmroute-endpoint')).toBe(engine.address);
    expect(response.headers.get('x-warmroute-decision')).toBe('d-2');
    expect(engine.received[0]?.body.toString()).toBe('{"a":1}');
    expect([...(router.requests[1]?.excluded ?? [])]).toEqual([`qwen/${refusingAddress}`]);
    expect(router.tickets).toEqual([[{ failed: 'connect' }], ['first-token', { finished: observedUsage }]]);
  });

  it('tries the next endpoint when the first dies with the request in hand', async () => {
    await using dying = await startScriptedEngine((response) => void response.destroy());
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(dying.address), endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    expect((await post(proxy.address, '{"a":1}')).status).toBe(200);
    expect(engine.received[0]?.body.toString()).toBe('{"a":1}');
    expect(router.tickets[0]).toEqual([{ failed: 'upstream' }]);
  });

  it('excludes every rank behind an address that refuses', async () => {
    const ranks = [0, 1].map((rank) =>
      endpointAt(refusingAddress, { rank, hasRanks: true, id: endpointId(`qwen/a#${rank}`) }),
    );
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([...ranks, endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    expect((await post(proxy.address, '{}')).status).toBe(200);
    expect(router.requests).toHaveLength(2);
  });

  it('gives up after as many endpoints as allowed', async () => {
    const endpoints = ['a', 'b', 'c'].map((name) => endpointAt(refusingAddress, { id: endpointId(name) }));
    const router = createFakeRouter(endpoints, () => ({ fallbacks: [] }));
    await using proxy = await startProxy({ router, maxAttempts: 2 });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { type: 'server_error', param: null, code: 'upstream-failed' },
    });
    expect(response.headers.get('x-warmroute-decision')).toBe('d-2');
    expect(router.tickets).toEqual([[{ failed: 'connect' }], [{ failed: 'connect' }]]);
  });

  it('answers 503 when the last endpoint left to try refuses connections', async () => {
    const router = createFakeRouter([endpointAt(refusingAddress)]);
    await using proxy = await startProxy({ router });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'no-endpoint' } });
    expect(router.openTickets).toBe(0);
  });

  it('answers 504 when no connection opens in time', async () => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    // Before the loop's next poll, in which loopback would connect.
    const hasty: Clock = {
      ...quietGatewayOptions.clock,
      schedule: (delayMs, action) => {
        if (delayMs === 1234) process.nextTick(action);
        return () => {};
      },
    };
    await using proxy = await startProxy({ router, clock: hasty, connectTimeoutMs: 1234 });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: 'upstream-timeout' } });
    expect(router.tickets).toEqual([[{ failed: 'connect' }]]);
  });

  it('replaces a connection that the engine closed while it lay idle', async () => {
    await using engine = await startScriptedEngine((response) => {
      // The second request on a connection is reset, as when the idle timer of the engine fires just then.
      const socket = response.socket;
      const count = (socket?.listenerCount('second-request') ?? 0) + 1;
      socket?.on('second-request', () => {});
      if (count > 1) socket?.resetAndDestroy();
      else json({})(response);
    });
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router });
    await (await post(proxy.address, '{"first":1}')).json();
    await router.closed();
    const second = await post(proxy.address, '{"second":2}');
    expect(second.status).toBe(200);
    expect(router.requests).toHaveLength(2);
    expect(engine.received.map(({ body }) => body.toString())).toEqual(['{"first":1}', '{"second":2}', '{"second":2}']);
  });
});

describe('proxy refusals', () => {
  it('answers 503 when no endpoint is ready', async () => {
    const router = createFakeRouter([]);
    await using proxy = await startProxy({ router });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(503);
    expect(response.headers.get('x-llm-d-request-dropped-reason')).toBe('rejected-no-endpoints');
    expect(await response.json()).toMatchObject({ error: { code: 'no-endpoint' } });
  });

  it('answers 429 with retry-after when admission refuses', async () => {
    const refused = { kind: 'refused', id: decisionId('r-1'), pool: poolName('qwen'), retryAfterSeconds: 7 } as const;
    await using proxy = await startProxy({ router: createFakeRouter([], () => refused) });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(response.headers.get('x-warmroute-decision')).toBe('r-1');
    expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'saturated' } });
  });

  it('answers 500 when routing has a bug, and says nothing of it', async () => {
    const router = createFakeRouter([], () => {
      throw new Error('secret prompt');
    });
    await using proxy = await startProxy({ router });
    const response = await post(proxy.address, '{}');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
  });

  it.each([
    ['that says its length', { 'content-length': '20' }, 'x'.repeat(20)],
    ['that does not', { 'transfer-encoding': 'chunked' }, `14\r\n${'x'.repeat(20)}\r\n0\r\n\r\n`],
  ])('answers 413 for a body over the limit %s, and serves the connection on', async (_name, headers, body) => {
    await using engine = await startScriptedEngine(json({}));
    const router = createFakeRouter([endpointAt(engine.address)]);
    await using proxy = await startProxy({ router, bodyLimitBytes: 16 });
    await using client = await openRaw(proxy.address);
    const [[name, value] = []] = Object.entries(headers);
    client.write(`POST / HTTP/1.1\r\nhost: a\r\n${name}: ${value}\r\n\r\n${body}`);
    expect(await client.until('body-too-large')).toContain('HTTP/1.1 413 ');
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await client.until('HTTP/1.1 200 ');
    expect(router.requests).toHaveLength(1);
  });

  it('refuses a body over the limit before a client that expects 100 sends it', async () => {
    await using proxy = await startProxy({ router: createFakeRouter([]), bodyLimitBytes: 16 });
    await using client = await openRaw(proxy.address);
    client.write('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n');
    const text = await client.closed();
    expect(text).toMatch(/^HTTP\/1.1 413 /);
  });
});
