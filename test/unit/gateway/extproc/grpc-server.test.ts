import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { createConnection } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createExtprocGateway } from '../../../../sidecar/gateway/index.ts';
import { createExtprocClient, requestBody, requestHeaders } from '../../../support/extproc-client.ts';
import { createFakeRouter, endpointAt } from '../../../support/fake-router.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

const processPath = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

const create = (router = createFakeRouter([endpointAt('10.0.0.1:1')])) =>
  createExtprocGateway({ ...quietGatewayOptions, router, isReady: () => true });

const frame = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

describe('gRPC server', () => {
  it('tells its clients to go away when it stops, and finishes the call that is open', async () => {
    await using edge = await started(create());
    const session = connect(`http://${edge.address}`);
    session.on('error', () => {});
    const stream = session.request({ ':method': 'POST', ':path': processPath, 'content-type': 'application/grpc' });
    // One empty set of request headers; its answer shows that the call is served.
    stream.write(Buffer.from([0, 0, 0, 0, 2, 0x12, 0]));
    stream.write(Buffer.from([0, 0, 0, 0, 4, 0x22, 2, 0x10, 1]));
    await once(stream, 'data');
    const goneAway = once(session, 'goaway');
    const stopped = edge.gateway.stop(60_000);
    expect((await goneAway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    const ended = once(stream, 'trailers');
    stream.resume();
    stream.end();
    expect((await ended)[0]['grpc-status']).toBe('0');
    await stopped;
  });

  it('bears a reset for every call, as Envoy ends its exchanges', async () => {
    await using edge = await started(create());
    const session = connect(`http://${edge.address}`);
    let isGoneAway = false;
    session.on('error', () => {});
    session.on('goaway', () => {
      isGoneAway = true;
    });
    const ping = (): Promise<void> => new Promise((resolve) => void session.ping(() => resolve()));
    for (let batch = 0; batch < 30; batch += 1) {
      const streams = Array.from({ length: 100 }, () => {
        const stream = session.request({ ':method': 'POST', ':path': processPath, 'content-type': 'application/grpc' });
        stream.on('error', () => {});
        // Request headers that end the request: they are answered at once.
        stream.write(Buffer.from([0, 0, 0, 0, 4, 0x12, 2, 0x18, 1]));
        return stream;
      });
      // A reset of a call that has not reached the server would not be sent.
      await Promise.all(streams.map((stream) => once(stream, 'response')));
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
      await ping();
    }
    expect([isGoneAway, session.destroyed]).toEqual([false, false]);
    session.destroy();
  });

  it('outlives any bytes on a connection', async () => {
    const router = createFakeRouter([endpointAt('10.0.0.1:1')]);
    await using edge = await started(create(router));
    const port = Number(edge.address.split(':')[1]);
    const frames = fc
      .array(fc.tuple(fc.nat(10), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 60 })), { maxLength: 12 })
      .map((list) => Buffer.concat(list.map((parts) => frame(...parts))));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((random) => Buffer.from(random)),
      frames.map((sent) => Buffer.concat([preface, emptySettings, sent])),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const socket = createConnection({ host: '127.0.0.1', port });
        socket.on('error', () => {});
        socket.resume();
        socket.end(sent);
        if (!socket.closed) await once(socket, 'close');
      }),
      { numRuns: 200 },
    );
    using client = createExtprocClient({ address: edge.address });
    const stream = client.open();
    stream.send(requestHeaders(), requestBody('hello', true));
    await stream.take(2);
    stream.cancel();
    await stream.status;
    await router.closed();
    expect(router.openTickets).toBe(0);
  });
});
