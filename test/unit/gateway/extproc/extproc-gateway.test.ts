import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { createConnection } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { createExtprocGateway, type ExtprocGatewayOptions } from '../../../../sidecar/gateway/index.ts';
import type { Router } from '../../../../sidecar/routing/index.ts';
import { createExtprocClient, requestBody, requestHeaders, type WireMessage } from '../../../support/extproc-client.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createFakeRouter, endpointAt } from '../../../support/fake-router.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

const processPath = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';
const names = ['', 'readiness', 'envoy.service.ext_proc.v3.ExternalProcessor', 'inference-extension'];

const create = (options: Partial<ExtprocGatewayOptions> = {}) =>
  createExtprocGateway({
    ...quietGatewayOptions,
    router: createFakeRouter([endpointAt('10.0.0.1:1')]),
    isReady: () => true,
    ...options,
  });

const responseHeaders = {
  response_headers: { headers: { headers: [{ key: ':status', raw_value: Buffer.from('200') }] } },
};
const responseEnd = { response_body: { body: Buffer.from('{}'), end_of_stream: true } };

/** The bytes that answers to a request's body carry. */
const bytesOf = (pieces: readonly WireMessage[]): Buffer =>
  Buffer.concat(
    pieces.map((piece) => {
      const streamed: unknown = Reflect.get(
        Reflect.get(Reflect.get(Object(piece['request_body']), 'response'), 'body_mutation'),
        'streamed_response',
      );
      return Buffer.from(Reflect.get(Object(streamed), 'body') ?? []);
    }),
  );

describe('exchanges over gRPC', () => {
  it('go from the request’s headers to the response’s end, which ends the stream', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.1:1')]);
    await using edge = await started(create({ router }));
    using client = createExtprocClient({ address: edge.address });
    const stream = client.open();
    stream.send(requestHeaders({ responseBodyMode: 4 }), requestBody('hello', true), responseHeaders, responseEnd);
    expect((await stream.take(4)).map(({ response }) => response)).toEqual([
      'request_headers',
      'request_body',
      'response_headers',
      'response_body',
    ]);
    expect((await stream.status).code).toBe(0);
    expect(router.tickets).toEqual([['first-token', { finished: null }]]);
  });

  it('take messages above 4 MiB and bodies of 32 MiB', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.1:1')]);
    await using edge = await started(create({ router, decisionTimeoutMs: 20_000 }));
    using client = createExtprocClient({ address: edge.address });
    const stream = client.open();
    const body = Buffer.alloc(33_554_432, 'abc');
    stream.send(requestHeaders(), requestBody(body, true));
    const [, ...pieces] = await stream.take(1 + Math.ceil(body.length / 62_000));
    expect(bytesOf(pieces).equals(body)).toBe(true);
    expect(router.requests[0]?.isBodyComplete).toBe(true);
  });

  it('free everything when clients leave at any point', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.1:1')]);
    const clock = createFakeClock();
    await using edge = await started(create({ router, clock }));
    using client = createExtprocClient({ address: edge.address });
    const messages = [
      requestHeaders({ responseBodyMode: 4 }),
      requestBody('hel'),
      requestBody('lo', true),
      responseHeaders,
      { response_body: { body: Buffer.from('x') } },
    ];
    for (let count = 1; count <= messages.length; count += 1) {
      for (const leave of ['cancel', 'halfClose'] as const) {
        const stream = client.open();
        stream.send(...messages.slice(0, count));
        if (count >= 3) await stream.take(2);
        stream[leave]();
        await stream.status;
      }
    }
    const last = client.open();
    last.send(requestHeaders({ isEnd: true }));
    await last.take(1);
    last.cancel();
    await last.status;
    await router.closed();
    expect(router.openTickets).toBe(0);
  });

  it('end with INVALID_ARGUMENT for bytes that are no message', async () => {
    await using edge = await started(create());
    await using raw = await openCall(edge.address);
    raw.stream.end(Buffer.from([0, 0, 0, 0, 2, 0x22, 0x7f]));
    expect(await raw.status()).toBe('3');
  });

  it('end with RESOURCE_EXHAUSTED for a message above 64 MiB', async () => {
    await using edge = await started(create());
    await using raw = await openCall(edge.address);
    raw.stream.write(Buffer.from([0, 0x04, 0, 0, 1]));
    expect(await raw.status()).toBe('8');
  });

  it('end with UNIMPLEMENTED for compressed messages and unknown methods', async () => {
    await using edge = await started(create());
    await using compressed = await openCall(edge.address);
    compressed.stream.write(Buffer.from([1, 0, 0, 0, 0]));
    expect(await compressed.status()).toBe('12');
    await using unknown = await openCall(edge.address, '/envoy.service.auth.v3.Authorization/Check');
    expect(await unknown.status()).toBe('12');
  });

  it('are refused to what is not gRPC', async () => {
    await using edge = await started(create());
    await using raw = await openCall(edge.address, processPath, 'text/plain');
    const [headers] = await once(raw.stream, 'response');
    expect(headers[':status']).toBe(415);
    const socket = createConnection({ host: '127.0.0.1', port: Number(edge.address.split(':')[1]) });
    socket.on('error', () => {});
    socket.end('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    using client = createExtprocClient({ address: edge.address });
    expect(await client.health('')).toBe('SERVING');
  });

  it('never see each other’s bodies, whose memory they share one after the other', async () => {
    await using edge = await started(create());
    using client = createExtprocClient({ address: edge.address });
    const bytes = 100_000;
    let exchanged = 0;
    const exchange = async (mark: number, isCancelled: boolean): Promise<void> => {
      const body = Buffer.alloc(bytes, mark);
      const stream = client.open();
      stream.send(requestHeaders({ headers: { 'content-length': String(bytes) } }));
      for (let from = 0; from < bytes; from += 25_000) stream.send(requestBody(body.subarray(from, from + 25_000)));
      stream.send(requestBody('', true));
      const [, ...pieces] = await stream.take(isCancelled ? 2 : 4);
      if (isCancelled) stream.cancel();
      else {
        expect(bytesOf(pieces).equals(body)).toBe(true);
        stream.halfClose();
      }
      exchanged += 1;
    };
    const lane = async (number: number): Promise<void> => {
      for (let count = 0; count < 20; count += 1) await exchange(number * 20 + count, (number + count) % 4 === 0);
    };
    await Promise.all(Array.from({ length: 12 }, (_, number) => lane(number)));
    expect(exchanged).toBe(240);
  });

  it('do not stall each other when many long bodies come at once from a peer that reads only while it can write', async () => {
    await using edge = await started(create());
    const session = connect(`http://${edge.address}`, {
      settings: { initialWindowSize: 1_048_576 },
      maxSessionMemory: 1_024,
    });
    await once(session, 'connect');
    session.setLocalWindowSize(16_777_216);
    const bodyBytes = 220_000;
    const body = Buffer.alloc(bodyBytes + 8);
    body.set([0x22, 0xe4, 0xb6, 0x0d, 0x0a, 0xe0, 0xb6, 0x0d]);
    const prefix = Buffer.from([0, 0, 0, 0, 0]);
    prefix.writeUInt32BE(body.length, 1);
    const exchanges = Array.from({ length: 100 }, async () => {
      const stream = session.request({ ':method': 'POST', ':path': processPath, 'content-type': 'application/grpc' });
      stream.end(
        Buffer.concat([Buffer.from([0, 0, 0, 0, 2, 0x12, 0]), prefix, body, Buffer.from([0, 0, 0, 0, 2, 0x32, 0])]),
      );
      let received = 0;
      for await (const chunk of stream) received += chunk.length;
      expect(received).toBeGreaterThan(bodyBytes);
    });
    await Promise.all(exchanges);
    session.destroy();
  });

  it('stop reading from a client that does not read', async () => {
    await using edge = await started(create({ bodyLimitBytes: 1 }));
    await using raw = await openCall(edge.address);
    raw.stream.pause();
    const piece = Buffer.alloc(65_536);
    const bodyMessage = Buffer.concat([Buffer.from([0x22, 0x84, 0x80, 0x04, 0x0a, 0x80, 0x80, 0x04]), piece]);
    const framed = Buffer.concat([Buffer.from([0, 0, 1, 0, bodyMessage.length - 65_536]), bodyMessage]);
    raw.stream.write(Buffer.from([0, 0, 0, 0, 2, 0x12, 0]));
    let writtenBytes = 0;
    // 64 MiB would pass if the server read on.
    while (writtenBytes < 67_108_864) {
      writtenBytes += framed.length;
      if (raw.stream.write(framed)) continue;
      const drained = once(raw.stream, 'drain').then(() => true);
      if (!(await Promise.race([drained, raw.idle()]))) break;
    }
    expect(writtenBytes).toBeLessThan(16_777_216);
  });
});

describe('health', () => {
  it('is told on both ports, by every name that is asked for', async () => {
    const gateway = create({ healthListen: '127.0.0.1:0' });
    const { address, healthAddress } = await gateway.start(new AbortController().signal);
    await using _edge = gateway;
    for (const at of [address, healthAddress ?? '']) {
      using client = createExtprocClient({ address: at });
      for (const name of [...names, 'liveness']) expect([name, await client.health(name)]).toEqual([name, 'SERVING']);
      expect(Object.keys(await client.healthList()).sort()).toEqual([...names, 'liveness'].sort());
      await expect(client.health('something')).rejects.toMatchObject({ code: 5 });
    }
    using other = createExtprocClient({ address: healthAddress ?? '' });
    const stream = other.open();
    stream.send(requestHeaders({ isEnd: true }));
    expect((await stream.status).code).toBe(12);
  });

  it('follows readiness; liveness does not', async () => {
    let isReady = false;
    await using edge = await started(create({ isReady: () => isReady }));
    using client = createExtprocClient({ address: edge.address });
    expect([await client.health(''), await client.health('liveness')]).toEqual(['NOT_SERVING', 'SERVING']);
    isReady = true;
    expect(await client.health('readiness')).toBe('SERVING');
  });

  it('is watched: each change once, the drain at once', async () => {
    let isReady = false;
    const clock = createFakeClock();
    const gateway = create({ isReady: () => isReady, clock });
    const { address } = await gateway.start(new AbortController().signal);
    using client = createExtprocClient({ address });
    const watch = client.watchHealth('readiness');
    watch.on('error', () => {});
    const next = async (): Promise<unknown> => (await once(watch, 'data'))[0].status;
    expect(await next()).toBe('NOT_SERVING');
    const changed = next();
    await clock.advance(5_000);
    isReady = true;
    await clock.advance(1_000);
    expect(await changed).toBe('SERVING');
    const drained = next();
    const stopped = gateway.stop(1_000);
    expect(await drained).toBe('NOT_SERVING');
    watch.cancel();
    await stopped;
    expect(clock.pending).toBe(0);
  });

  it('of an unknown service is watched as SERVICE_UNKNOWN', async () => {
    await using edge = await started(create());
    using client = createExtprocClient({ address: edge.address });
    const watch = client.watchHealth('something');
    watch.on('error', () => {});
    expect((await once(watch, 'data'))[0].status).toBe('SERVICE_UNKNOWN');
    watch.cancel();
  });
});

describe('life cycle', () => {
  it('says so when it cannot listen, on either port, and leaves nothing open', async () => {
    await using first = await started(create());
    const signal = new AbortController().signal;
    const details = { listen: first.address, cause: 'EADDRINUSE' };
    await expect(create({ listen: first.address }).start(signal)).rejects.toMatchObject({
      code: 'listen-failed',
      details,
    });
    await expect(create({ healthListen: first.address }).start(signal)).rejects.toMatchObject({
      code: 'listen-failed',
    });
  });

  it('finishes what is in flight while it stops, and takes nothing new', async () => {
    const gate = Promise.withResolvers<void>();
    const router = createFakeRouter([endpointAt('10.0.0.1:1')]);
    const asked = Promise.withResolvers<void>();
    const slow: Router = {
      route: async (request) => {
        asked.resolve();
        await gate.promise;
        return router.route(request);
      },
    };
    const gateway = create({ router: slow, decisionTimeoutMs: 60_000 });
    const { address } = await gateway.start(new AbortController().signal);
    using client = createExtprocClient({ address });
    const stream = client.open();
    stream.send(requestHeaders({ isEnd: true, responseBodyMode: 4 }));
    await asked.promise;
    const stopped = gateway.stop(60_000);
    gate.resolve();
    await stream.take(1);
    stream.send(responseHeaders, responseEnd);
    await stream.take(2);
    expect((await stream.status).code).toBe(0);
    await stopped;
    using late = createExtprocClient({ address });
    await expect(late.health('')).rejects.toMatchObject({ code: 14 });
    expect(router.openTickets).toBe(0);
  });

  it('at the deadline lets responses go on without it, and breaks the rest', async () => {
    const clock = createFakeClock();
    const gateway = create({ clock });
    const { address } = await gateway.start(new AbortController().signal);
    using client = createExtprocClient({ address });
    const streaming = client.open();
    streaming.send(requestHeaders({ isEnd: true, responseBodyMode: 4 }), responseHeaders);
    await streaming.take(2);
    const stopped = gateway.stop(1_000);
    await clock.advance(1_000);
    expect((await streaming.status).code).toBe(0);
    await clock.advance(1_000);
    await stopped;
  });

  it('stops when its signal is aborted', async () => {
    const abort = new AbortController();
    const gateway = create();
    const { address } = await gateway.start(abort.signal);
    using client = createExtprocClient({ address });
    const stream = client.open();
    stream.send(requestHeaders());
    abort.abort();
    expect((await stream.status).code).not.toBe(0);
    await gateway.stop(0);
    await expect(create().start(abort.signal)).rejects.toThrow(/abort/i);
  });

  it('counts and times what passes', async () => {
    const counted: string[] = [];
    const metrics = {
      ...quietGatewayOptions.metrics,
      count: (name: string, labels: Readonly<Record<string, string>> = {}) =>
        void counted.push(`${name} ${labels['outcome']} ${labels['pool']}`),
    };
    await using edge = await started(create({ metrics }));
    using client = createExtprocClient({ address: edge.address });
    for (const messages of [[requestHeaders({ isEnd: true, responseBodyMode: 4 }), responseHeaders, responseEnd]]) {
      const stream = client.open();
      stream.send(...messages);
      await stream.status;
    }
    using other = createExtprocClient({ address: edge.address });
    await other.health('');
    expect(counted).toEqual(['requests_total answered qwen']);
  });
});

interface RawCall extends AsyncDisposable {
  readonly stream: ClientHttp2Stream;
  /** The call's `grpc-status`. */
  status(): Promise<string>;
  /** Resolves with false once the server has answered a ping and nothing else happened in between. */
  idle(): Promise<false>;
}

/** Opens a call by hand. */
const openCall = async (address: string, path = processPath, contentType = 'application/grpc'): Promise<RawCall> => {
  const session: ClientHttp2Session = connect(`http://${address}`);
  session.on('error', () => {});
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': contentType, te: 'trailers' });
  stream.on('error', () => {});
  const status = new Promise<string>((resolve) => {
    stream.on('trailers', (trailers) => resolve(String(trailers['grpc-status'])));
    stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) resolve(String(headers['grpc-status']));
    });
  });
  const ping = (): Promise<void> => new Promise((resolve) => void session.ping(() => resolve()));
  return {
    stream,
    status: () => {
      stream.resume();
      return status;
    },
    idle: async () => {
      for (let pings = 0; pings < 20; pings += 1) await ping();
      return false;
    },
    [Symbol.asyncDispose]: async () => {
      session.destroy();
    },
  };
};
