import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Engine, tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { readJson } from '../../support/http.ts';
import { freePort, pollUntil, startWarmroute } from '../../support/process.ts';
import { runEngine } from '../../support/running-app.ts';
import { startSteadyLoad } from '../../support/steady-load.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { testkube } from './api-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { type EndpointSpec, pod, service, slice } from './objects.ts';

const executable = testkube();
const namespace = 'llm';
const replicas = 10;

/** One engine with its Pod. Its own address is 127.0.0.N, the one in the cluster 198.18.0.N (see api-proxy.ts). */
interface Replica {
  readonly number: number;
  readonly uid: string;
  readonly engine: Engine;
}

interface EndpointReport {
  readonly address: string;
  readonly trust: string;
  readonly blocks: number;
}

/** Forty system prompts again and again, and every fourth time one that nobody has seen. */
const bodyOf = (index: number): string =>
  JSON.stringify({
    model: 'tiny',
    max_tokens: 2,
    messages: [
      {
        role: 'system',
        content: `${index % 4 === 0 ? `Fresh ${index}` : index % 40}. ${'You answer shortly and politely. '.repeat(6)}`,
      },
      { role: 'user', content: `Question ${index}` },
    ],
  });

(executable === null ? describe.skip : describe)('engines behind a real API server', () => {
  let cluster: Cluster;
  let proxy: ApiProxy;
  let ports = { http: 0, events: 0, replay: 0 };
  const engines = new Set<AsyncDisposable>();

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    proxy = await startApiProxy(cluster);
    await cluster.addNamespace(namespace);
    await cluster.install('kustomize/base', namespace);
    ports = { http: await freePort(), events: await freePort(), replay: await freePort() };
    const annotations = {
      pool: 'tiny',
      tokenizer: tinyQwenFolder,
      'events-port': String(ports.events),
      'replay-port': String(ports.replay),
    };
    await cluster.admin.apply(service('tiny', { namespace, annotations }));
  });
  afterAll(async () => {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const start = async (number: number): Promise<Replica> => {
    const host = `127.0.0.${number}`;
    const running = await runEngine({
      host,
      port: ports.http,
      eventsAddress: `tcp://${host}:${ports.events}`,
      replayAddress: `tcp://${host}:${ports.replay}`,
      seed: number,
    });
    engines.add(running);
    const stored = await cluster.admin.apply(
      pod(`tiny-${number}`, { namespace, ip: `198.18.0.${number}`, app: 'tiny' }),
      { status: true },
    );
    return { number, uid: stored.metadata.uid ?? '', engine: running.engine };
  };

  /** Writes the slice as the controller does. */
  const publish = (current: readonly Replica[], leaving: readonly Replica[]): Promise<unknown> => {
    const specOf = ({ number, uid }: Replica): EndpointSpec => ({
      ip: `198.18.0.${number}`,
      pod: `tiny-${number}`,
      uid,
    });
    const endpoints = [
      ...current.map(specOf),
      ...leaving.map((replica) => ({ ...specOf(replica), ready: false, serving: true, terminating: true })),
    ];
    return cluster.admin.apply(
      slice('tiny', { namespace, service: 'tiny', ports: [{ name: 'http', port: ports.http }], endpoints }),
    );
  };

  /** Runs the product's own command line on the cluster and waits until it is ready. */
  const serve = async (folder: string) => {
    const { kubeconfig } = await cluster.account(namespace, 'warmroute', { url: proxy.url });
    const sidecar = startWarmroute(['serve', '--config', `${folder}/config.yaml`], {
      ...process.env,
      KUBECONFIG: kubeconfig,
    });
    const { listening } = JSON.parse(await sidecar.firstLine);
    const admin = `http://${listening.admin}`;
    await pollUntil(async () => ((await fetch(`${admin}/readyz`)).ok ? true : undefined), {
      what: `ready: ${sidecar.errorOutput()}`,
      deadlineMs: 30_000,
    });
    const reports = async (): Promise<readonly EndpointReport[]> =>
      (await readJson<{ endpoints: readonly EndpointReport[] }>(await fetch(`${admin}/api/v1/endpoints`))).endpoints;
    return {
      target: `http://${listening.proxy}`,
      admin,
      reports,
      [Symbol.asyncDispose]: () => sidecar[Symbol.asyncDispose](),
    };
  };

  const config = JSON.stringify({
    discovery: { kubernetes: {} },
    gateways: { proxy: { listen: '127.0.0.1:0' } },
    admin: { listen: '127.0.0.1:0' },
    scrape: { intervalMs: 500 },
  });

  it('are all replaced under 200 requests/s without a failed request, and their blocks with them', async () => {
    let current = await Promise.all(Array.from({ length: replicas }, (_, index) => start(11 + index)));
    await publish(current, []);
    await using folder = await temporaryFolder({ 'config.yaml': config });
    await using sidecar = await serve(folder.path);
    const { target, admin, reports } = sidecar;
    expect((await reports()).map(({ address }) => address).sort()).toEqual(
      current.map(({ number }) => `127.0.0.${number}:${ports.http}`),
    );

    const startMs = performance.now();
    await using load = startSteadyLoad({ target: () => target, bodyOf, requestsPerSecond: 200 });
    await sleep(2000);
    for (const old of current) {
      const next = await start(old.number + 20);
      current = [...current.filter((replica) => replica !== old), next];
      await publish(current, [old]);
      await cluster.admin.remove(pod(`tiny-${old.number}`, { namespace, ip: '', app: 'tiny' }), { graceSeconds: 30 });
      // What a preStop hook is for: the endpoint serves on while the news of its end travels.
      await sleep(600);
      await pollUntil(async () => (old.engine.counters().runningRequests === 0 ? true : undefined), {
        what: 'the last request of an endpoint that is leaving',
        deadlineMs: 10_000,
      });
      await old.engine.stop();
      await publish(current, []);
      await cluster.admin.remove(pod(`tiny-${old.number}`, { namespace, ip: '', app: 'tiny' }));
    }
    await sleep(500);
    const seconds = (performance.now() - startMs) / 1000;
    const outcomes = await load.stop();

    expect(outcomes.length / seconds).toBeGreaterThan(180);
    expect(outcomes.filter(({ status }) => status !== 200)).toEqual([]);
    const served = new Set(outcomes.map(({ endpoint }) => endpoint));
    for (const { number } of current) expect(served).toContain(`127.0.0.${number}:${ports.http}`);

    const left = await pollUntil(
      async () => {
        const list = await reports();
        const isSettled = list.length === replicas && list.every(({ trust }) => trust === 'exact');
        return isSettled ? list : undefined;
      },
      { what: 'ten exact endpoints', deadlineMs: 10_000 },
    );
    expect(left.map(({ address }) => address).sort()).toEqual(
      current.map(({ number }) => `127.0.0.${number}:${ports.http}`).sort(),
    );
    const { pools } = await readJson<{
      pools: readonly { readonly holders: number; readonly pairs: number; readonly blocks: number }[];
    }>(await fetch(`${admin}/api/v1/index`));
    const held = current.map(({ engine }) => engine.blocks().length);
    const pairs = held.reduce((sum, count) => sum + count, 0);
    expect(pools).toMatchObject([{ holders: replicas, pairs }]);
    expect(left.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(pairs);
    expect(pairs).toBeGreaterThan(100);
  });

  it('are routed to while the API server is away for a while, which /readyz tells and bears', async () => {
    const current = await Promise.all([start(101), start(102)]);
    await publish(current, []);
    await using folder = await temporaryFolder({ 'config.yaml': config });
    await using sidecar = await serve(folder.path);
    await using load = startSteadyLoad({ target: () => sidecar.target, bodyOf, requestsPerSecond: 50 });
    const condition = async (): Promise<{ readonly status: number; readonly text: string }> => {
      const response = await fetch(`${sidecar.admin}/readyz`);
      return { status: response.status, text: await response.text() };
    };
    await cluster.kill();
    const told = await pollUntil(
      async () => {
        const now = await condition();
        return now.text.includes('Kubernetes API server: ') ? now : undefined;
      },
      { what: 'the condition', deadlineMs: 20_000 },
    );
    expect(told.status).toBe(200);
    await sleep(1000);
    await cluster.restart();
    await publish(current.slice(1), []);
    await pollUntil(async () => ((await sidecar.reports()).length === 1 ? true : undefined), {
      what: 'the change made while it was away',
      deadlineMs: 35_000,
    });
    const outcomes = await load.stop();
    expect(outcomes.length).toBeGreaterThan(50);
    expect(outcomes.filter(({ status }) => status !== 200)).toEqual([]);
  });
});
