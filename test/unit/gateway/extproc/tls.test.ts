import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '../../../../sidecar/core/index.ts';
import { integer, objectId } from '../../../../sidecar/gateway/extproc/tls/der.ts';
import { createSelfSigned } from '../../../../sidecar/gateway/extproc/tls/self-signed.ts';
import { createExtprocGateway, type TlsOptions } from '../../../../sidecar/gateway/index.ts';
import { createExtprocClient, requestHeaders } from '../../../support/extproc-client.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { createFakeRouter, endpointAt } from '../../../support/fake-router.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

const create = (tls: TlsOptions, clock = quietGatewayOptions.clock) =>
  createExtprocGateway({
    ...quietGatewayOptions,
    clock,
    tls,
    router: createFakeRouter([endpointAt('10.0.0.1:1')]),
    isReady: () => true,
    healthListen: '127.0.0.1:0',
  });

const mounted = () => {
  const folder = mkdtempSync(join(tmpdir(), 'warmroute-tls-'));
  const write = (material: { readonly cert: string; readonly key: string }): void => {
    writeFileSync(join(folder, 'tls.crt'), material.cert);
    writeFileSync(join(folder, 'tls.key'), material.key);
  };
  return { folder, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
};

/** Serial number of the certificate that a server shows, or why the handshake failed. */
const shownBy = (address: string, options: { readonly maxVersion?: 'TLSv1.2' } = {}): Promise<string> =>
  new Promise((resolve) => {
    const [host = '', port = ''] = address.split(':');
    const socket = connect({ host, port: Number(port), ALPNProtocols: ['h2'], rejectUnauthorized: false, ...options });
    socket.on('secureConnect', () => {
      resolve(String(socket.getPeerX509Certificate()?.serialNumber));
      socket.destroy();
    });
    socket.on('error', (failure: NodeJS.ErrnoException) => resolve(String(failure.code)));
  });

const serialOf = ({ cert }: { readonly cert: string }): string => new X509Certificate(cert).serialNumber;

describe('a self-signed certificate', () => {
  it('is one that others can read and verify', () => {
    const { cert, key } = createSelfSigned({ nowMs: systemClock.wallNow() });
    const certificate = new X509Certificate(cert);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.subject).toBe('CN=warmroute');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(key).toContain('PRIVATE KEY');
  });

  it('is valid from a day ago for ten years, whatever the century', () => {
    const certificate = new X509Certificate(createSelfSigned({ nowMs: Date.UTC(2045, 0, 2) }).cert);
    expect(certificate.validFromDate).toEqual(new Date(Date.UTC(2045, 0, 1)));
    expect(certificate.validToDate).toEqual(new Date(Date.UTC(2045, 0, 2) + 3_650 * 86_400_000));
  });

  it('has a fresh key and serial number each time', () => {
    const [a, b] = [createSelfSigned({ nowMs: 0 }), createSelfSigned({ nowMs: 0 })];
    expect(a.key).not.toBe(b.key);
    expect(serialOf(a)).not.toBe(serialOf(b));
  });
});

describe('DER', () => {
  it('writes object identifiers as in the examples of X.690', () => {
    expect(objectId('2.999.3').toString('hex')).toBe('0603883703');
    expect(objectId('1.2.840.113549').toString('hex')).toBe('06062a864886f70d');
  });

  it('never writes a negative integer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const written = integer(bytes);
        const contents = written.subarray(written[1] === 0x81 ? 3 : 2);
        expect((contents[0] ?? 0) < 0x80).toBe(true);
      }),
    );
  });
});

describe('listeners', () => {
  it('speak TLS with a self-signed certificate; health on its own port stays plaintext', async () => {
    const gateway = create({ kind: 'self-signed' });
    await using _edge = gateway;
    const { address, healthAddress } = await gateway.start(new AbortController().signal);
    using client = createExtprocClient({ address, tls: 'insecure' });
    expect(await client.health('')).toBe('SERVING');
    const stream = client.open();
    stream.send(requestHeaders({ isEnd: true }));
    await stream.take(1);
    stream.cancel();
    using probe = createExtprocClient({ address: healthAddress ?? '' });
    expect(await probe.health('')).toBe('SERVING');
  });

  it('take a connection that names no protocol for HTTP/2', async () => {
    await using edge = await started(create({ kind: 'self-signed' }));
    const [host = '', port = ''] = edge.address.split(':');
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(false);
    const session = connectHttp2(`https://${edge.address}`, { createConnection: () => socket });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
    });
    stream.end(Buffer.alloc(5));
    stream.resume();
    const [trailers] = await once(stream, 'trailers');
    expect(trailers['grpc-status']).toBe('0');
    session.destroy();
  });

  it('refuse versions below the lowest', async () => {
    await using strict = await started(create({ kind: 'self-signed', minVersion: 'TLSv1.3' }));
    expect(await shownBy(strict.address, { maxVersion: 'TLSv1.2' })).toMatch(/^ERR_SSL/);
    await using usual = await started(create({ kind: 'self-signed' }));
    expect(await shownBy(usual.address, { maxVersion: 'TLSv1.2' })).toMatch(/^[0-9A-F]+$/);
  });

  it('show a mounted certificate, and its successor to new connections', async () => {
    using folder = mounted();
    const [first, second] = [createSelfSigned({ nowMs: Date.now() }), createSelfSigned({ nowMs: Date.now() })];
    folder.write(first);
    const reloaded = Promise.withResolvers<void>();
    const clock = createFakeClock();
    const gateway = createExtprocGateway({
      ...quietGatewayOptions,
      clock,
      logger: {
        ...quietGatewayOptions.logger,
        child: () => ({
          ...quietGatewayOptions.logger,
          info: (message) => {
            if (message === 'certificate reloaded') reloaded.resolve();
          },
        }),
      },
      tls: { kind: 'mounted', folder: folder.folder, reloadMs: 1_000 },
      router: createFakeRouter([]),
      isReady: () => true,
    });
    await using edge = await started(gateway);
    expect(await shownBy(edge.address)).toBe(serialOf(first));
    using client = createExtprocClient({ address: edge.address, tls: { trusted: first.cert } });
    expect(await client.health('')).toBe('SERVING');
    folder.write(second);
    await clock.advance(1_000);
    await reloaded.promise;
    expect(await shownBy(edge.address)).toBe(serialOf(second));
    expect(await client.health('')).toBe('SERVING');
  });

  it('keep the last good certificate while the mounted one is broken', async () => {
    using folder = mounted();
    const material = createSelfSigned({ nowMs: Date.now() });
    folder.write(material);
    const warned = Promise.withResolvers<void>();
    const clock = createFakeClock();
    const gateway = createExtprocGateway({
      ...quietGatewayOptions,
      clock,
      logger: {
        ...quietGatewayOptions.logger,
        child: () => ({ ...quietGatewayOptions.logger, warn: () => warned.resolve() }),
      },
      tls: { kind: 'mounted', folder: folder.folder, reloadMs: 1_000 },
      router: createFakeRouter([]),
      isReady: () => true,
    });
    await using edge = await started(gateway);
    folder.write({ cert: material.cert, key: createSelfSigned({ nowMs: 0 }).key });
    await clock.advance(1_000);
    await warned.promise;
    expect(await shownBy(edge.address)).toBe(serialOf(material));
  });

  it('do not start without a usable certificate', async () => {
    using folder = mounted();
    await expect(
      create({ kind: 'mounted', folder: folder.folder }).start(new AbortController().signal),
    ).rejects.toMatchObject({ code: 'unavailable' });
  });
});
