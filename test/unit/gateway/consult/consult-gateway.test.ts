import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../sidecar/core/index.ts';
import { type ConsultGatewayOptions, createConsultGateway } from '../../../../sidecar/gateway/index.ts';
import { createFakeRouter, endpointAt, type FakeRouter } from '../../../support/fake-router.ts';
import { openRaw, rawHeader } from '../../../support/raw-http.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

const startConsult = (options: Partial<ConsultGatewayOptions> & Pick<ConsultGatewayOptions, 'router'>) =>
  started(createConsultGateway({ ...quietGatewayOptions, ...options }));

const bodyText = (router: FakeRouter, index = 0): string => Buffer.from(router.requests[index]?.body ?? []).toString();

describe('consult', () => {
  it('names the destination and what decided', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router });
    const response = await fetch(`${consult.url}/v1/chat/completions`, { method: 'POST', body: '{"a":1}' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-gateway-destination-endpoint': '10.0.0.7:8000',
      'x-warmroute-decision': 'd-1',
      'x-warmroute-reason': 'prefix',
      'x-warmroute-prompt-tokens': '40',
      'x-warmroute-cached-tokens': '32',
    });
    expect(response.headers.has('x-powered-by')).toBe(false);
    expect(router.requests[0]).toMatchObject({ observesResponse: false, isBodyComplete: true, wholeBodyBytes: 7 });
    expect(bodyText(router)).toBe('{"a":1}');
  });

  it('names the rank where an address serves several', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000', { rank: 2, hasRanks: true })]);
    await using consult = await startConsult({ router });
    expect((await fetch(consult.url)).headers.get('x-data-parallel-rank')).toBe('2');
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('lets %s on any path through', async (method) => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router });
    expect((await fetch(`${consult.url}/some//odd/%zz?path`, { method })).status).toBe(200);
    expect(router.requests[0]).toMatchObject({ method, path: '/some//odd/%zz?path', body: null });
  });

  it("tells routing the client's own method and path", async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router, pathPrefix: '/extauthz' });
    await fetch(`${consult.url}/auth`, {
      headers: { 'x-forwarded-uri': '/v1/completions', 'x-forwarded-method': 'POST' },
    });
    await fetch(`${consult.url}/extauthz/v1/messages`);
    await fetch(consult.url);
    expect(router.requests.map(({ method, path }) => [method, path])).toEqual([
      ['POST', '/v1/completions'],
      ['GET', '/v1/messages'],
      ['GET', null],
    ]);
  });

  it('decides by the beginning of a body over the limit', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router, bodyLimitBytes: 1000 });
    const body = Buffer.alloc(3_000_000, 'abc');
    const response = await fetch(consult.url, { method: 'POST', body });
    expect(response.status).toBe(200);
    expect(router.requests[0]).toMatchObject({ isBodyComplete: false, wholeBodyBytes: 3_000_000 });
    expect(Buffer.from(router.requests[0]?.body ?? []).equals(body.subarray(0, 1000))).toBe(true);
  });

  it("takes Envoy's cut-off body for what it is", async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router });
    const headers = { 'x-envoy-auth-partial-body': 'true' };
    await fetch(consult.url, { method: 'POST', body: '{"mess', headers });
    expect(router.requests[0]).toMatchObject({ isBodyComplete: false });
    expect(router.requests[0]).not.toHaveProperty('wholeBodyBytes');
    expect(bodyText(router)).toBe('{"mess');
  });

  it('reads compressed bodies, and routes without those it cannot read', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router });
    const send = (body: Uint8Array, coding: string): Promise<Response> =>
      fetch(consult.url, { method: 'POST', body: new Uint8Array(body), headers: { 'content-encoding': coding } });
    expect((await send(gzipSync('{"a":1}'), 'gzip')).status).toBe(200);
    expect((await send(Buffer.from('not gzip'), 'gzip')).status).toBe(200);
    expect(bodyText(router, 0)).toBe('{"a":1}');
    expect(router.requests[0]?.isBodyComplete).toBe(true);
    expect(router.requests[1]).toMatchObject({ body: null, isBodyComplete: false });
  });
});

describe('consult when the body does not come', () => {
  it('answers at once when the deadline is over, and ends the connection, as nginx never sends the body', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    const deadline = Promise.withResolvers<() => void>();
    const clock = {
      ...systemClock,
      schedule: (delayMs: number, action: () => void) => {
        if (delayMs === 100) deadline.resolve(action);
        return () => {};
      },
    };
    await using consult = await startConsult({ router, clock });
    await using client = await openRaw(consult.address);
    client.write('GET /auth HTTP/1.1\r\nhost: a\r\ncontent-length: 522\r\nx-original-uri: /v1/completions\r\n\r\n');
    const pass = await deadline.promise;
    expect(router.requests).toHaveLength(0);
    pass();
    const text = await client.closed();
    expect(text).toMatch(/^HTTP\/1.1 200 /);
    expect(rawHeader(text, 'connection')).toBe('close');
    expect(router.requests[0]).toMatchObject({ body: null, isBodyComplete: false, wholeBodyBytes: 522 });
  });

  it('uses what came of it in time', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    const deadline = Promise.withResolvers<() => void>();
    const clock = {
      ...systemClock,
      schedule: (_delayMs: number, action: () => void) => {
        deadline.resolve(action);
        return () => {};
      },
    };
    await using consult = await startConsult({ router, clock });
    await using client = await openRaw(consult.address);
    client.write(
      'POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{"messa\r\n',
    );
    const pass = await deadline.promise;
    await client.until('100 Continue');
    // One more turn of the loop, so that the bytes sent with the header are read.
    await new Promise((resolve) => setImmediate(resolve));
    pass();
    await client.closed();
    expect(bodyText(router)).toBe('{"messa');
    expect(router.requests[0]?.isBodyComplete).toBe(false);
  });

  it('serves a connection on whose body came in time', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.7:8000')]);
    await using consult = await startConsult({ router });
    await using client = await openRaw(consult.address);
    for (const count of [1, 2]) {
      client.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}');
      await client.until(`d-${count}`);
    }
    expect(router.requests).toHaveLength(2);
  });
});
