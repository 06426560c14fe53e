import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { SidecarError } from '../../../../sidecar/core/index.ts';
import { type AdminSource, createAdminGateway } from '../../../../sidecar/gateway/index.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

type Dump = AdminSource['dump'];

const unused = (): never => {
  throw new Error('not asked in these tests');
};

const startAdmin = (dump: Dump) => {
  const source: AdminSource = {
    readiness: unused,
    metrics: unused,
    endpoints: unused,
    decisions: unused,
    decision: unused,
    explain: unused,
    index: unused,
    pools: unused,
    findings: unused,
    dump,
  };
  return started(createAdminGateway({ ...quietGatewayOptions, source }));
};

describe('GET /api/v1/dump', () => {
  it('sends the pieces as bytes, of the endpoints asked for', async () => {
    const asked: unknown[] = [];
    await using admin = await startAdmin(async function* (of) {
      asked.push(of);
      yield Buffer.from([1, 2]);
      yield Buffer.from([3]);
    });
    const all = await request(admin.url).get('/api/v1/dump').buffer(true).expect(200);
    expect(all.type).toBe('application/octet-stream');
    expect(Buffer.from(all.body)).toEqual(Buffer.from([1, 2, 3]));
    await request(admin.url).get('/api/v1/dump?endpoint=p/a').expect(200);
    await request(admin.url).get('/api/v1/dump?endpoint=p/a&endpoint=p/b').expect(200);
    await request(admin.url).get('/api/v1/dump?head=true').expect(200);
    expect(asked).toEqual([
      { endpoints: null, headOnly: false },
      { endpoints: ['p/a'], headOnly: false },
      { endpoints: ['p/a', 'p/b'], headOnly: false },
      { endpoints: null, headOnly: true },
    ]);
  });

  it('refuses what it cannot give, before anything is sent', async () => {
    await using admin = await startAdmin(async function* () {
      yield* [];
      throw new SidecarError('unavailable', 'only just starting');
    });
    await request(admin.url).get('/api/v1/dump').expect(503);
    await request(admin.url).get('/api/v1/dump?head=maybe').expect(400);
  });

  it('gives the pieces up when the reader leaves, and cuts the answer off when they fail', async () => {
    const ended = Promise.withResolvers<void>();
    await using admin = await startAdmin(async function* ({ headOnly }) {
      try {
        yield Buffer.alloc(1000);
        if (headOnly) throw new SidecarError('unavailable', 'gone');
        for (;;) yield Buffer.alloc(1 << 20);
      } finally {
        if (!headOnly) ended.resolve();
      }
    });
    const leaving = get(`${admin.url}/api/v1/dump`, (answer) => answer.once('data', () => leaving.destroy()));
    leaving.on('error', () => {});
    await ended.promise;
    const [cut] = (await once(get(`${admin.url}/api/v1/dump?head=true`), 'response')) as [IncomingMessage];
    cut.resume();
    await expect(once(cut, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
