import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, pollUntil, startWarmroute } from '../../support/process.ts';
import type { RunningEngine } from '../../support/running-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { testkube, writeKubeconfig } from './api-server.ts';
import { type Cluster, definitionsAtHand, placed, startCluster } from './cluster.ts';
import { type EnvoyGateway, envoyProxySpec, hasEnvoyGateway, startEnvoyGateway } from './envoy-gateway.ts';
import { type KubeObject, pathOf } from './kube-client.ts';
import { kustomize, repository } from './kustomize.ts';
import { slice } from './objects.ts';
import { runOverlayEngines } from './overlay-engines.ts';
import { settingsOf } from './overlay-settings.ts';
import { expectPicksFollowed } from './picks-followed.ts';

const executable = testkube();
const isAtHand = executable !== null && hasEnvoyGateway();
if (!isAtHand) console.log('SKIPPED kubernetes: no Envoy Gateway at hand, its overlay is not run');

const namespace = 'llm';

const gatewayApi = 'gateway.networking.k8s.io/v1';

/** What an operator has before the overlay: a Gateway and an HTTPRoute to the vLLM Service. */
const operatorsOwn = (port: number): readonly KubeObject[] => [
  {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyProxy',
    metadata: { name: 'here', namespace },
    spec: envoyProxySpec,
  },
  {
    apiVersion: gatewayApi,
    kind: 'GatewayClass',
    metadata: { name: 'envoy' },
    spec: {
      controllerName: 'gateway.envoyproxy.io/gatewayclass-controller',
      parametersRef: { group: 'gateway.envoyproxy.io', kind: 'EnvoyProxy', name: 'here', namespace },
    },
  },
  {
    apiVersion: gatewayApi,
    kind: 'Gateway',
    metadata: { name: 'llm', namespace },
    spec: { gatewayClassName: 'envoy', listeners: [{ name: 'http', protocol: 'HTTP', port }] },
  },
  {
    apiVersion: gatewayApi,
    kind: 'HTTPRoute',
    metadata: { name: 'llm', namespace },
    spec: { parentRefs: [{ name: 'llm' }], rules: [{ backendRefs: [{ name: 'vllm-qwen', port: 80 }] }] },
  },
];

(isAtHand ? describe : describe.skip)('the overlay for Envoy Gateway with a real Envoy Gateway and Envoy', () => {
  let cluster: Cluster;
  let proxy: ApiProxy;
  let gateway: EnvoyGateway | null = null;
  const engines = new Map<string, RunningEngine>();

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    proxy = await startApiProxy(cluster, { token: 'admin-token' });
    const definitions = await definitionsAtHand();
    const needed = definitions.filter(({ metadata }) =>
      /gateway\.(networking\.k8s|envoyproxy)\.io$/.test(metadata.name),
    );
    await cluster.addDefinitions(needed);
    for (const name of [namespace, 'envoy-gateway-system']) await cluster.addNamespace(name);
    await runOverlayEngines(cluster, { namespace, engines, numbers: [71, 72] });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    for (const engine of engines.values()) await engine[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  it('has its policies accepted, and sends every request to the Pod that warmroute picked', async () => {
    const built = (await kustomize(executable ?? '', join(repository, 'kustomize/overlays/envoy-gateway'))).map(
      (object) => placed(object, namespace),
    );
    const entryPort = await freePort();
    for (const object of [...operatorsOwn(entryPort), ...built]) await cluster.admin.apply(object);

    const { config, env } = settingsOf(built);
    const { kubeconfig } = await cluster.account(namespace, 'warmroute', { url: proxy.url });
    await using folder = await temporaryFolder({ 'config.yaml': config });
    await using sidecar = startWarmroute(['serve', '--config', `${folder.path}/config.yaml`], {
      ...process.env,
      ...env,
      KUBECONFIG: kubeconfig,
      WARMROUTE_PROXY_LISTEN: '127.0.0.1:0',
      WARMROUTE_CONSULT_LISTEN: '127.0.0.81:0',
      WARMROUTE_ADMIN_LISTEN: '127.0.0.1:0',
    });
    const { listening } = JSON.parse(await sidecar.firstLine);
    const admin = `http://${listening.admin}`;
    // What the controller of EndpointSlices makes of the Deployment's Pod.
    const consultPort = Number(String(listening.consult).split(':')[1]);
    const consult = {
      namespace,
      service: 'warmroute',
      ports: [{ name: 'consult', port: consultPort }],
      endpoints: [{ ip: '198.18.0.81' }],
    };
    await cluster.admin.apply(slice('warmroute', consult));

    const file = `${folder.path}/admin.kubeconfig`;
    await writeKubeconfig(file, { url: proxy.url, caFile: null, token: 'admin-token' });
    const started = await startEnvoyGateway(file);
    gateway = started;

    const entry = `http://127.0.0.1:${entryPort}`;
    const ask = (content: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
      fetch(`${entry}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ model: 'tiny', max_tokens: 2, messages: [{ role: 'user', content }] }),
      });
    await pollUntil(async () => ((await fetch(`${admin}/readyz`)).ok && (await ask('hello')).ok ? true : undefined), {
      what: 'the way through Envoy Gateway',
      deadlineMs: 60_000,
    }).catch((failure: unknown) => {
      throw new Error(`${failure}: ${started.output().slice(-6000)}`);
    });

    const conditionsOf = async (object: KubeObject): Promise<string> =>
      JSON.stringify((await cluster.admin.request('GET', pathOf(object))).body['status'] ?? {});
    const policies = built.filter(({ kind }) => kind.endsWith('Policy') && /Security|Traffic/.test(kind));
    expect(policies.map(({ kind }) => kind).sort()).toEqual([
      'BackendTrafficPolicy',
      'ClientTrafficPolicy',
      'SecurityPolicy',
    ]);
    for (const policy of policies) {
      expect(await conditionsOf(policy)).toMatch(/"status":"True","type":"Accepted"/);
    }

    const spoofed = { 'x-gateway-destination-endpoint': '127.0.0.1:1' };
    await expectPicksFollowed({ engines, admin, ask: (content) => ask(content, spoofed) });

    // What the README says of bodies that are too long, and of warmroute being away; a header the client sends picks nothing.
    expect((await ask('x'.repeat(34 * 2 ** 20))).status).toBe(413);
    await sidecar.stop();
    const without = await ask('hello', { 'x-gateway-destination-endpoint': '127.0.0.1:1' });
    expect(without.status).toBe(200);
  });
});
