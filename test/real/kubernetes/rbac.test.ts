import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeFinding } from '../../../sidecar/discovery/index.ts';
import { pollUntil } from '../../support/process.ts';
import { testkube } from './api-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { discoveryUnder, follow } from './followed-cluster.ts';
import { createKubeClient, type KubeClient, type KubeObject, pathOf } from './kube-client.ts';
import { service, slice } from './objects.ts';

const executable = testkube();

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]) => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});

const services = rule('', ['services', 'pods'], ['list', 'watch']);
const slices = rule('discovery.k8s.io', ['endpointslices'], ['list', 'watch']);
const events = rule('', ['events'], ['create']);

(executable === null ? describe.skip : describe)('rights that the base asks for', () => {
  let cluster: Cluster;
  let ours: KubeClient;
  let kubeconfig = '';
  let installed: readonly KubeObject[] = [];

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    for (const namespace of ['llm', 'other']) await cluster.addNamespace(namespace);
    installed = await cluster.install('kustomize/base', 'llm');
    const account = await cluster.account('llm', 'warmroute');
    kubeconfig = account.kubeconfig;
    const ca = await readFile(cluster.caFile, 'utf8');
    ours = createKubeClient({ url: cluster.url, ca, token: account.token });
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  const setRules = (name: string, rules: readonly unknown[]): Promise<KubeObject> =>
    cluster.admin.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace: 'llm' },
      rules,
    });

  it('are these and no others', () => {
    expect(installed.find(({ kind }) => kind === 'Role')?.['rules']).toEqual([services, slices, events]);
    expect(installed.map(({ kind }) => kind)).not.toContain('ClusterRole');
  });

  it('suffice for discovery and its Events', async () => {
    await cluster.admin.apply(service('qwen', { namespace: 'llm', annotations: { pool: 'qwen', engine: 'x' } }));
    await cluster.admin.apply(slice('s', { namespace: 'llm', service: 'qwen', endpoints: [{ ip: '10.1.0.1' }] }));
    using followed = await follow(kubeconfig, { namespace: 'llm' });
    expect(followed.addresses()).toEqual(['10.1.0.1:8000']);
    await cluster.admin.apply(slice('s', { namespace: 'llm', service: 'qwen', endpoints: [{ ip: '10.1.0.2' }] }));
    await followed.until('the change', () => followed.addresses().join() === '10.1.0.2:8000');
    expect(followed.discovery.findings().map(({ code }) => code)).toEqual(['mistaken-annotation']);
    const path = '/api/v1/namespaces/llm/events';
    await pollUntil(
      async () =>
        JSON.stringify((await cluster.admin.request('GET', path)).body).includes('WarmrouteAnnotation') || undefined,
      { what: 'the Event', deadlineMs: 5000 },
    );
  });

  const outside = [
    ['read Secrets', 'GET', '/api/v1/namespaces/llm/secrets'],
    ['get one Service', 'GET', pathOf(service('qwen', { namespace: 'llm' }))],
    ['read another namespace', 'GET', '/api/v1/namespaces/other/services'],
    ['read the whole cluster', 'GET', '/api/v1/services'],
    ['delete a Pod', 'DELETE', '/api/v1/namespaces/llm/pods/a'],
    ['change a slice', 'DELETE', '/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices/s'],
    ['read Events', 'GET', '/api/v1/namespaces/llm/events'],
    ['create a Pod', 'POST', '/api/v1/namespaces/llm/pods'],
    ['write an Event elsewhere', 'POST', '/api/v1/namespaces/other/events'],
  ] as const;

  it.each(outside)('do not let it %s', async (_, method, path) => {
    const { status, body } = await ours.request(method, path, method === 'POST' ? { body: {} } : {});
    expect(status).toBe(403);
    expect(String(body['message'])).toContain('forbidden');
  });

  it('are named, with the rule to add, where one is missing at the start', async () => {
    await setRules('warmroute', [services, events]);
    const discovery = discoveryUnder(kubeconfig, { namespace: 'llm', startTimeoutMs: 1500 });
    await expect(discovery.start(new AbortController().signal, () => {})).rejects.toMatchObject({
      code: 'unavailable',
      details: {
        mistakes: [
          'endpointslices in llm: reading is forbidden (403); bind a Role in namespace llm with {apiGroups: ' +
            '["discovery.k8s.io"], resources: [endpointslices], verbs: [list, watch]} to warmroute\'s ServiceAccount',
        ],
      },
    });
    await setRules('warmroute', [services, slices, events]);
  });

  it('are asked for again by themselves once they are given', async () => {
    await setRules('warmroute', [rule('', ['services', 'pods', 'events'], ['list', 'create']), slices]);
    const discovery = discoveryUnder(kubeconfig, { namespace: 'llm' });
    const stopping = new AbortController();
    await discovery.start(stopping.signal, () => {});
    const codes = () => discovery.findings().map(({ code }) => code);
    const waitFor = (isSo: () => boolean) =>
      pollUntil(async () => isSo() || undefined, { what: 'the finding', deadlineMs: 10_000 });
    await waitFor(() => codes().includes('access-denied'));
    expect(discovery.condition()).toMatchObject({ isHealthy: false });
    expect(discovery.findings().map(describeFinding).join()).toContain('resources: [services], verbs: [list, watch]');
    await setRules('warmroute', [services, slices, events]);
    await waitFor(() => !codes().includes('access-denied'));
    expect(discovery.condition()).toMatchObject({ isHealthy: true });
    stopping.abort();
  });
});
