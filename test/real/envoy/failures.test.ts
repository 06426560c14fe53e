import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { silentLogger, silentMetrics, systemClock } from '../../../sidecar/core/index.ts';
import { createExtprocGateway } from '../../../sidecar/gateway/index.ts';
import { createFakeRouter, endpointAt } from '../../support/fake-router.ts';
import { createLoadClient } from '../../support/http-load.ts';
import { freePort, pollUntil, startProcess, type TestProcess } from '../../support/process.ts';
import { json, type ScriptedEngine, startScriptedEngine } from '../../support/scripted-engine.ts';
import { started } from '../../support/started-gateway.ts';
import { startBehindEnvoy } from './behind-envoy.ts';
import { type EnvoyManifest, type EnvoyServer, envoyExecutable, startEnvoy } from './envoy-server.ts';

const executable = envoyExecutable('1.40.0') ?? '';
const describeReal = executable === '' ? describe.skip : describe;

const sidecarScript = fileURLToPath(new URL('../../support/extproc-process.ts', import.meta.url));

const startSidecar = async (listen: string, engines: readonly ScriptedEngine[]): Promise<TestProcess> => {
  const addresses = engines.map(({ address }) => address);
  const sidecar = startProcess(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    sidecarScript,
    listen,
    ...addresses,
  ]);
  await sidecar.firstLine;
  return sidecar;
};

/** Posts again and again over `lanes` connections; counts answers by status, `0` for none. */
const keepPosting = (address: string, lanes: number, body: Buffer) => {
  const agent = new Agent({ keepAlive: true });
  const [host = '', port = ''] = address.split(':');
  const statuses = new Map<number, number>();
  let isStopped = false;
  const post = (): Promise<number> =>
    new Promise((resolve) => {
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const outgoing = request({ host, port, agent, method: 'POST', path: '/v1/completions', headers }, (response) => {
        response.resume();
        response.on('error', () => resolve(0));
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      outgoing.on('error', () => resolve(0));
      outgoing.end(body);
    });
  const lane = async (): Promise<void> => {
    while (!isStopped) {
      const status = await post();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const ended = Promise.all(Array.from({ length: lanes }, lane));
  return {
    statuses,
    answered: (): number => [...statuses.values()].reduce((sum, count) => sum + count, 0),
    stop: async (): Promise<void> => {
      isStopped = true;
      await ended;
      agent.destroy();
    },
  };
};

const isTrue = (condition: () => boolean) => async (): Promise<true | undefined> => (condition() ? true : undefined);

describeReal('a sidecar that is killed and started again under load', () => {
  let engines: readonly ScriptedEngine[] = [];

  beforeAll(async () => {
    const answer = json({ usage: { prompt_tokens: 40, completion_tokens: 1 } });
    engines = await Promise.all([startScriptedEngine(answer), startScriptedEngine(answer)]);
  });
  afterAll(async () => {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
  });

  const killUnderLoad = async (
    manifest: EnvoyManifest,
  ): Promise<{ readonly statuses: ReadonlyMap<number, number>; readonly envoy: EnvoyServer }> => {
    const listen = `127.0.0.1:${await freePort()}`;
    const first = await startSidecar(listen, engines);
    const addresses = engines.map(({ address }) => address);
    await using envoy = await startEnvoy(executable, { manifest, engines: addresses, sidecar: listen });
    const healthy = async (wanted: number): Promise<true | undefined> =>
      (await envoy.stat('cluster.warmroute.membership_healthy')) === wanted ? true : undefined;
    await pollUntil(() => healthy(1), { what: 'the sidecar is healthy', deadlineMs: 10_000 });
    const load = keepPosting(envoy.address, 8, Buffer.alloc(5_000, 'x'));
    try {
      await pollUntil(
        isTrue(() => load.answered() > 200),
        { what: 'load', deadlineMs: 10_000 },
      );
      await first.stop('SIGKILL');
      await pollUntil(() => healthy(0), { what: 'the sidecar is missed', deadlineMs: 10_000 });
      const before = load.answered();
      await pollUntil(
        isTrue(() => load.answered() > before + 200),
        { what: 'load without it', deadlineMs: 10_000 },
      );
      await using _second = await startSidecar(listen, engines);
      await pollUntil(() => healthy(1), { what: 'the sidecar is back', deadlineMs: 10_000 });
      const asked = await envoy.stat('cluster.warmroute.upstream_rq_total');
      await pollUntil(
        async () => ((await envoy.stat('cluster.warmroute.upstream_rq_total')) > asked + 200 ? true : undefined),
        { what: 'it is asked again', deadlineMs: 10_000 },
      );
      await load.stop();
    } finally {
      await load.stop();
      await first.stop('SIGKILL');
    }
    return { statuses: load.statuses, envoy };
  };

  it('costs no request where the data plane fails open', async () => {
    const { statuses } = await killUnderLoad('extproc-fail-open');
    expect([...statuses.keys()]).toEqual([200]);
  });

  it('costs 503s and nothing else where it fails closed', async () => {
    const { statuses } = await killUnderLoad('extproc-request-only');
    expect([...statuses.keys()].sort()).toEqual([200, 503]);
  });
});

describeReal('load', () => {
  it('of 10,000 requests at concurrency 64 passes without an error, each ticket ended once', async () => {
    await using behind = await startBehindEnvoy(executable, {
      manifest: 'extproc-override-host',
      answer: json({ usage: { prompt_tokens: 40, completion_tokens: 1 } }),
    });
    const client = createLoadClient({ body: Buffer.alloc(1_000, 'x'), concurrency: 64 });
    for (let burst = 0; burst < 157; burst += 1) await client.burst(behind.envoy.address);
    client.close();
    await behind.router.closed();
    expect(behind.router.tickets).toHaveLength(157 * 64);
    expect(behind.router.tickets.every((events) => events.length === 2)).toBe(true);
    expect(await behind.envoy.stat('cluster.warmroute.upstream_cx_destroy_remote')).toBe(0);
  });

  it('of 64 bodies of 1.5 MB at once passes, each byte for byte', async () => {
    await using behind = await startBehindEnvoy(executable, {
      manifest: 'extproc-override-host',
      answer: json({ ok: true }),
    });
    const bodies = Array.from({ length: 64 }, (_, index) => Buffer.alloc(1_500_000, `${index} `));
    const answers = await Promise.all(bodies.map((body) => fetch(behind.envoy.url, { method: 'POST', body })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const hashes = (list: readonly Buffer[]) =>
      list.map((body) => createHash('sha256').update(body).digest('hex')).sort();
    expect(hashes(behind.picked.received.map(({ body }) => body))).toEqual(hashes(bodies));
  });
});

describeReal('a decision that never comes', () => {
  it('is replaced at the deadline, the body unchanged', async () => {
    await using behind = await startBehindEnvoy(executable, {
      manifest: 'extproc-override-host',
      answer: json({ ok: true }),
      route: (fake) => (asked) => (asked.body === null ? fake.route(asked) : new Promise(() => {})),
    });
    const body = 'x'.repeat(220_000);
    const answer = await fetch(behind.envoy.url, { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(behind.picked.received[0]?.body.toString()).toBe(body);
    expect(behind.router.requests[0]?.body).toBeNull();
  });
});

describeReal('TLS', () => {
  it('carries exchanges and health, with a certificate made at the start', async () => {
    await using engine = await startScriptedEngine(json({ ok: true }));
    const router = createFakeRouter([endpointAt(engine.address)]);
    const gateway = createExtprocGateway({
      listen: '127.0.0.1:0',
      router,
      isReady: () => true,
      tls: { kind: 'self-signed' },
      clock: systemClock,
      logger: silentLogger,
      metrics: silentMetrics,
    });
    await using edge = await started(gateway);
    const tls =
      '    transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext } }\n';
    await using envoy = await startEnvoy(executable, {
      manifest: 'extproc-override-host',
      engines: [engine.address],
      sidecar: edge.address,
      edits: [['    connect_timeout: 1s\n', `    connect_timeout: 1s\n${tls}`]],
    });
    const answer = await fetch(envoy.url, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(200);
    expect(router.requests).toHaveLength(1);
    expect(await envoy.stat('cluster.warmroute.ssl.handshake')).toBeGreaterThan(0);
    expect(await envoy.stat('cluster.warmroute.membership_healthy')).toBe(1);
  });
});
