import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { decisionId, modelName, poolName } from '../../../../sidecar/core/index.ts';
import { type AdminSource, createAdminGateway } from '../../../../sidecar/gateway/index.ts';
import type { DecisionRecord, RouteRequest } from '../../../../sidecar/routing/index.ts';
import { quietGatewayOptions, started } from '../../../support/started-gateway.ts';

const pool = {
  name: 'qwen',
  models: null,
  profile: 'default',
  endpoints: 2,
  blockSizes: [16],
  tokenizer: { path: 'exact', detail: 'exact' },
  mistakes: [],
};

const finding = { code: 'no-ready-endpoint', subject: 'Service llm/qwen', problem: 'none', mend: 'see why' };

const record: DecisionRecord = {
  id: decisionId('d-1'),
  at: '2026-01-01T00:00:00.000Z',
  pool: poolName('qwen'),
  model: modelName('m'),
  api: 'chat',
  promptTokens: 3,
  endpoint: '10.0.0.7:8000',
  rank: 0,
  reason: 'prefix',
  predictedCachedTokens: 0,
  actualCachedTokens: null,
  durationsMs: { parse: 0.1 },
  candidates: [],
};

const source = (overrides: Partial<AdminSource> = {}): AdminSource => ({
  readiness: () => [{ name: 'endpoints-known', isMet: true, detail: '2 endpoints' }],
  metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'warmroute_up 1\n' }),
  endpoints: () => [],
  decisions: () => [record],
  decision: (id) => (id === 'd-1' ? record : undefined),
  explain: async () => ({ record, tokenIds: Int32Array.of(1, 2, 3) }),
  index: () => [{ pool: 'qwen', blocks: 1, pairs: 2, holders: 2, bytes: 80, evictedBlocks: 0 }],
  pools: () => [pool],
  findings: () => [finding],
  dump: async function* () {
    yield Buffer.from('dump');
  },
  ...overrides,
});

const startAdmin = (overrides: Partial<AdminSource> = {}) =>
  started(createAdminGateway({ ...quietGatewayOptions, source: source(overrides) }));

describe('admin', () => {
  it('is healthy while it answers', async () => {
    await using admin = await startAdmin();
    await request(admin.url).get('/healthz').expect(200, { status: 'ok' });
    await request(admin.url).head('/healthz').expect(200);
  });

  it('is ready when every condition is met', async () => {
    const conditions = [{ name: 'endpoints-known', isMet: true, detail: '2 endpoints' }];
    await using admin = await startAdmin();
    await request(admin.url).get('/readyz').expect(200, { ready: true, conditions });
  });

  it('is not ready when one condition is not met, and says which', async () => {
    const conditions = [
      { name: 'a', isMet: true, detail: '' },
      { name: 'b', isMet: false, detail: 'waiting' },
    ];
    await using admin = await startAdmin({ readiness: () => conditions });
    await request(admin.url).get('/readyz').expect(503, { ready: false, conditions });
  });

  it("gives metrics in Prometheus' text format", async () => {
    await using admin = await startAdmin();
    const response = await request(admin.url).get('/metrics').expect(200, 'warmroute_up 1\n');
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it.each([
    ['/api/v1/endpoints', { endpoints: [] }],
    ['/api/v1/index', { pools: [{ pool: 'qwen', blocks: 1, pairs: 2, holders: 2, bytes: 80, evictedBlocks: 0 }] }],
    ['/api/v1/pools', { pools: [pool], findings: [finding] }],
    ['/api/v1/decisions', { decisions: [record] }],
    ['/api/v1/decisions/d-1', record],
  ])('shows %s', async (path, document) => {
    await using admin = await startAdmin();
    await request(admin.url)
      .get(path)
      .expect('content-type', /json/)
      .expect(200, JSON.parse(JSON.stringify(document)));
  });

  it.each([
    ['', 50],
    ['?limit=7', 7],
  ])('asks for decisions%s up to %d', async (query, limit) => {
    const asked: number[] = [];
    await using admin = await startAdmin({
      decisions: (count) => {
        asked.push(count);
        return [];
      },
    });
    await request(admin.url).get(`/api/v1/decisions${query}`).expect(200);
    expect(asked).toEqual([limit]);
  });

  it.each([
    ['/api/v1/decisions?limit=0', 'limit'],
    ['/api/v1/decisions?limit=-1', 'limit'],
    ['/api/v1/decisions?limit=ten', 'limit'],
    ['/api/v1/decisions?limit=1&limit=2', 'limit'],
    ['/api/v1/decisions?count=1', 'count'],
  ])('refuses %s and names the mistake', async (path, name) => {
    await using admin = await startAdmin();
    const response = await request(admin.url).get(path).expect(400);
    expect(response.body.error).toMatchObject({ type: 'invalid_request_error', code: 'invalid-argument' });
    expect(response.body.error.message).toContain(name);
  });

  it.each(['/', '/api/v1/decisions/unknown', '/api/v2/endpoints', '/healthz/x'])('does not know %s', async (path) => {
    await using admin = await startAdmin();
    const response = await request(admin.url).get(path).expect(404);
    expect(response.body.error.code).toBe('not-found');
  });

  it('does not take a path that is not valid percent-encoding for a bug', async () => {
    await using admin = await startAdmin();
    await request(admin.url).get('/api/v1/decisions/%zz').expect(400);
  });

  it('answers 500 for a bug and keeps its text', async () => {
    await using admin = await startAdmin({
      endpoints: () => {
        throw new Error('secret');
      },
    });
    const response = await request(admin.url).get('/api/v1/endpoints').expect(500);
    expect(response.text).not.toContain('secret');
  });
});

describe('explain', () => {
  it('hands over the body byte for byte under the default path', async () => {
    const asked: RouteRequest[] = [];
    await using admin = await startAdmin({
      explain: async (routeRequest) => {
        asked.push(routeRequest);
        return { record, tokenIds: null };
      },
    });
    const body = '{ "model": "m", "messages": [] }';
    await request(admin.url)
      .post('/api/v1/explain')
      .set('content-type', 'application/json')
      .send(body)
      .expect(200, {
        ...record,
      });
    expect(asked[0]).toMatchObject({ path: '/v1/chat/completions', method: 'POST', excluded: null, subset: null });
    expect(Buffer.from(asked[0]?.body ?? []).toString()).toBe(body);
  });

  it('takes another path and adds token ids where asked', async () => {
    const paths: (string | null)[] = [];
    await using admin = await startAdmin({
      explain: async ({ path }) => {
        paths.push(path);
        return { record, tokenIds: Int32Array.of(1, 2, 3) };
      },
    });
    const response = await request(admin.url).post('/api/v1/explain?path=/v1/completions&tokens=true').send('{}');
    expect(response.body).toEqual({ ...record, tokenIds: [1, 2, 3] });
    expect(paths).toEqual(['/v1/completions']);
  });

  it.each([
    ['/api/v1/explain?path=v1', '{}'],
    ['/api/v1/explain?tokens=maybe', '{}'],
    ['/api/v1/explain?other=1', '{}'],
    ['/api/v1/explain', ''],
  ])('refuses %s with body "%s"', async (path, body) => {
    await using admin = await startAdmin();
    await request(admin.url).post(path).set('content-type', 'application/json').send(body).expect(400);
  });
});
