import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { createHttpGet } from '../../../sidecar/pool/index.ts';

const never = new AbortController().signal;

/** A server on a free loopback port, closed at the end of the test. */
const serve = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    server,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

describe('HTTP reader', () => {
  it('gives status and text', async () => {
    await using engine = await serve((request, response) => {
      response.statusCode = request.url === '/missing' ? 404 : 200;
      response.end(`über ${request.url}`);
    });
    await using get = createHttpGet();
    const options = { timeoutMs: 5000, signal: never };
    expect(await get(`${engine.url}/x`, options)).toEqual({ kind: 'answered', status: 200, text: 'über /x' });
    expect(await get(`${engine.url}/missing`, options)).toMatchObject({ kind: 'answered', status: 404 });
  });

  it('keeps its connections, at most two a server', async () => {
    await using engine = await serve((_request, response) => response.end('ok'));
    await using get = createHttpGet();
    let connections = 0;
    engine.server.on('connection', () => {
      connections += 1;
    });
    for (let turn = 0; turn < 10; turn += 1) await get(engine.url, { timeoutMs: 5000, signal: never });
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('tells a refused connection from one that breaks', async () => {
    await using get = createHttpGet();
    const gone = await serve((_request, response) => response.end());
    await gone[Symbol.asyncDispose]();
    expect(await get(gone.url, { timeoutMs: 5000, signal: never })).toEqual({
      kind: 'unreachable',
      why: 'ECONNREFUSED',
    });
    await using breaking = await serve((request) => request.socket.destroy());
    expect(await get(breaking.url, { timeoutMs: 5000, signal: never })).toMatchObject({ kind: 'broken' });
  });

  it('gives up after the time it is given', async () => {
    await using engine = await serve(() => {});
    await using get = createHttpGet();
    expect(await get(engine.url, { timeoutMs: 20, signal: never })).toEqual({ kind: 'timed-out' });
  });

  it('gives up on a body that does not end', async () => {
    await using engine = await serve((_request, response) => {
      response.write('half');
    });
    await using get = createHttpGet();
    expect(await get(engine.url, { timeoutMs: 50, signal: never })).toEqual({ kind: 'timed-out' });
  });

  it('does not read more than it may', async () => {
    await using engine = await serve((_request, response) => response.end('x'.repeat(5000)));
    await using get = createHttpGet({ maxBytes: 1000 });
    expect(await get(engine.url, { timeoutMs: 5000, signal: never })).toMatchObject({ kind: 'broken' });
  });

  it('ends with its signal, before or while it reads', async () => {
    await using engine = await serve(() => {});
    await using get = createHttpGet();
    expect(await get(engine.url, { timeoutMs: 5000, signal: AbortSignal.abort() })).toMatchObject({ kind: 'broken' });
    const stopping = new AbortController();
    const answer = get(engine.url, { timeoutMs: 5000, signal: stopping.signal });
    await once(engine.server, 'request');
    stopping.abort();
    expect(await answer).toMatchObject({ kind: 'broken' });
  });

  it('takes what is no URL for broken', async () => {
    await using get = createHttpGet();
    expect(await get('no url', { timeoutMs: 5000, signal: never })).toMatchObject({ kind: 'broken' });
  });
});
