import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, pollUntil, startProcess, startWarmroute } from '../../support/process.ts';
import type { RunningEngine } from '../../support/running-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { testkube } from './api-server.ts';
import { type Cluster, definitionsAtHand, placed, startCluster } from './cluster.ts';
import { kustomize, repository } from './kustomize.ts';
import { runOverlayEngines } from './overlay-engines.ts';
import { settingsOf } from './overlay-settings.ts';
import { expectPicksFollowed } from './picks-followed.ts';

const executable = testkube();
const traefik = `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/traefik-3.7.15/traefik`;
const isAtHand = executable !== null && existsSync(traefik);
if (!isAtHand) console.log('SKIPPED kubernetes: no Traefik at hand, its overlay is not run');

const namespace = 'llm';

(isAtHand ? describe : describe.skip)('the overlay for Traefik with a real Traefik', () => {
  let cluster: Cluster;
  let proxy: ApiProxy;
  const engines = new Map<string, RunningEngine>();

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    proxy = await startApiProxy(cluster);
    const definitions = await definitionsAtHand();
    await cluster.addDefinitions(definitions.filter(({ metadata }) => metadata.name.includes('traefik')));
    await cluster.addNamespace(namespace);
    await runOverlayEngines(cluster, { namespace, engines, numbers: [61, 62] });
  });
  afterAll(async () => {
    for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  it('sends every request to the Pod that warmroute picked, whose cache is as predicted', async () => {
    const built = await kustomize(executable ?? '', join(repository, 'kustomize/overlays/traefik'));
    const { config, env } = settingsOf(built);
    expect(env).toEqual({ WARMROUTE_CONSULT_STICKY_COOKIE: 'warmroute' });

    const objects = built.map((object) => placed(object, namespace));
    for (const object of objects) if (object.kind !== 'Middleware') await cluster.admin.apply(object);
    const { kubeconfig } = await cluster.account(namespace, 'warmroute', { url: proxy.url });
    await using folder = await temporaryFolder({ 'config.yaml': config });
    await using sidecar = startWarmroute(['serve', '--config', `${folder.path}/config.yaml`], {
      ...process.env,
      ...env,
      KUBECONFIG: kubeconfig,
      WARMROUTE_PROXY_LISTEN: '127.0.0.1:0',
      WARMROUTE_CONSULT_LISTEN: '127.0.0.1:0',
      WARMROUTE_ADMIN_LISTEN: '127.0.0.1:0',
    });
    const { listening } = JSON.parse(await sidecar.firstLine);
    const admin = `http://${listening.admin}`;

    // The one change to the overlay: there is no cluster DNS here.
    for (const object of objects) {
      if (object.kind !== 'Middleware') continue;
      const text = JSON.stringify(object).replace('warmroute.llm.svc.cluster.local:9010', listening.consult);
      await cluster.admin.apply(JSON.parse(text));
    }
    const entry = `127.0.0.1:${await freePort()}`;
    await using _gateway = startProcess(traefik, [
      `--entrypoints.web.address=${entry}`,
      '--providers.kubernetescrd',
      `--providers.kubernetescrd.endpoint=${proxy.url}`,
      '--providers.kubernetescrd.token=admin-token',
      '--global.checknewversion=false',
      '--global.sendanonymoususage=false',
    ]);
    const ask = (content: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
      fetch(`http://${entry}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ model: 'tiny', max_tokens: 2, messages: [{ role: 'user', content }] }),
      });
    await pollUntil(async () => ((await fetch(`${admin}/readyz`)).ok && (await ask('hello')).ok ? true : undefined), {
      what: `the way through Traefik: ${_gateway.errorOutput().slice(-2000)}`,
      deadlineMs: 30_000,
    });

    const spoofed = {
      cookie: `other=1; warmroute=0000000000000000`,
      'x-gateway-destination-endpoint': '127.0.0.1:1',
    };
    await expectPicksFollowed({ engines, admin, ask: (content) => ask(content, spoofed) });

    // What the README says of bodies that are too long, and of warmroute being away.
    expect((await ask('x'.repeat(34 * 2 ** 20))).status).toBe(401);
    await sidecar.stop();
    expect((await ask('hello')).status).toBe(500);
  });
});
