import { describe, expect, it } from '@jest/globals';
import { decisionId, poolName } from '../../../sidecar/core/index.ts';
import { json } from '../../support/scripted-engine.ts';
import { startBehindEnvoy } from './behind-envoy.ts';
import { envoyExecutable } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0') ?? '';
const describeReal = executable === '' ? describe.skip : describe;
const manifest = 'ext-authz-override-host';
const [id, pool] = [decisionId('r-1'), poolName('qwen')];

describeReal('ext_authz over HTTP', () => {
  it('tells a body that is cut off from one that is whole', async () => {
    await using behind = await startBehindEnvoy(executable, { manifest, answer: json({ ok: true }) });
    for (const [bytes, seen, isWhole] of [
      [1_000_000, 1_000_000, true],
      [6_000_000, 4_194_304, false],
    ] as const) {
      const answer = await fetch(`${behind.envoy.url}/v1/completions`, { method: 'POST', body: 'x'.repeat(bytes) });
      expect(answer.status).toBe(200);
      const asked = behind.router.requests.at(-1);
      expect([asked?.body?.length, asked?.isBodyComplete]).toEqual([seen, isWhole]);
      expect(behind.picked.received.at(-1)?.body.length).toBe(bytes);
    }
  });

  it('keeps method and path behind a prefix', async () => {
    await using behind = await startBehindEnvoy(executable, {
      manifest,
      answer: json({ ok: true }),
      edits: [
        ['      authorization_response:', '      path_prefix: /consult\n                authorization_response:'],
      ],
      consult: { pathPrefix: '/consult' },
    });
    expect((await fetch(`${behind.envoy.url}/v1/models?a=b`, { method: 'PUT', body: '{}' })).status).toBe(200);
    expect(behind.router.requests[0]).toMatchObject({ method: 'PUT', path: '/v1/models?a=b' });
    expect(behind.picked.received[0]).toMatchObject({ method: 'PUT', url: '/v1/models?a=b' });
  });

  it('hands a refusal by admission to the client', async () => {
    await using behind = await startBehindEnvoy(executable, {
      manifest,
      answer: json({ ok: true }),
      decide: () => ({ kind: 'refused', id, pool, retryAfterSeconds: 7 }),
    });
    const answer = await fetch(behind.envoy.url, { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
    expect(answer.headers.get('x-warmroute-decision')).toBe('r-1');
    expect(await answer.json()).toMatchObject({ error: { code: 'saturated' } });
    expect(behind.picked.received).toHaveLength(0);
  });

  it.each([
    ['true', 200],
    ['false', 503],
  ])('with failure_mode_allow: %s answers %i where no endpoint is ready', async (allows, status) => {
    await using behind = await startBehindEnvoy(executable, {
      manifest,
      answer: json({ ok: true }),
      decide: () => ({ kind: 'no-endpoint', id, pool }),
      edits: [['failure_mode_allow: true', `failure_mode_allow: ${allows}`]],
    });
    expect((await fetch(behind.envoy.url, { method: 'POST', body: '{}' })).status).toBe(status);
  });

  it('fails open to the balancer', async () => {
    await using behind = await startBehindEnvoy(executable, { manifest, answer: json({ ok: true }) });
    await behind.edge.gateway.stop(0);
    for (let tries = 0; tries < 20; tries += 1) {
      const headers = { 'x-gateway-destination-endpoint': '127.0.0.1:1' };
      const answer = await fetch(behind.envoy.url, { method: 'POST', body: '{}', headers });
      expect(answer.status).toBe(200);
      await answer.text();
    }
    const received = [...behind.picked.received, ...behind.other.received];
    expect(received).toHaveLength(20);
    expect(received.map(({ headers }) => headers['x-gateway-destination-endpoint'])).not.toContain('127.0.0.1:1');
  });
});
