import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { testkube } from './api-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { follow } from './followed-cluster.ts';
import { service, slice } from './objects.ts';

const executable = testkube();
const namespace = 'llm';
const slicesPath = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;

(executable === null ? describe.skip : describe)('discovery while a real API server is in trouble', () => {
  let cluster: Cluster;
  let proxy: ApiProxy;
  let direct = '';
  let proxied = '';

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    proxy = await startApiProxy(cluster);
    await cluster.addNamespace(namespace);
    await cluster.install('kustomize/base', namespace);
    direct = (await cluster.account(namespace, 'warmroute')).kubeconfig;
    await cluster.addNamespace('spare');
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const putEndpoints = async (...ips: readonly string[]): Promise<void> => {
    await cluster.admin.apply(slice('s', { namespace, service: 'qwen', endpoints: ips.map((ip) => ({ ip })) }));
  };
  const reset = async (): Promise<void> => {
    await cluster.admin.apply(service('qwen', { namespace }));
    await putEndpoints('10.1.0.1');
  };

  it('keeps what it knows while the server is killed, says so, and catches up', async () => {
    await reset();
    using followed = await follow(direct, { namespace });
    await cluster.kill();
    await followed.until('the finding', () => !followed.discovery.condition().isHealthy);
    expect(new Set(followed.discovery.findings().map(({ code }) => code))).toEqual(new Set(['server-unreachable']));
    expect(followed.addresses()).toEqual(['10.1.0.1:8000']);
    await cluster.restart();
    await putEndpoints('10.1.0.2');
    await followed.until('the change', () => followed.addresses().join() === '10.1.0.2:8000', 35_000);
    await followed.until('health', () => followed.discovery.condition().isHealthy, 35_000);
    await putEndpoints('10.1.0.2', '10.1.0.3');
    await followed.until('live changes again', () => followed.addresses().length === 2);
  });

  it('finds what was deleted while it could not look, though history is compacted', async () => {
    await reset();
    proxied = (await cluster.account(namespace, 'warmroute', { url: proxy.url })).kubeconfig;
    using followed = await follow(proxied, { namespace });
    await putEndpoints('10.1.0.4');
    await followed.until('a version to resume from', () => followed.addresses().join() === '10.1.0.4:8000');
    const listsBefore = proxy.lists.filter((path) => path === slicesPath).length;
    const watchesBefore = proxy.watches.length;
    proxy.hold();
    proxy.endWatches();
    // A restarted server has no history of the time before in its watch cache: 410 for what is older.
    await cluster.admin.remove(slice('s', { namespace, service: 'qwen', endpoints: [] }));
    await cluster.kill();
    await cluster.restart();
    for (let round = 0; round < 3; round += 1)
      await cluster.admin.apply(service(`filler-${round}`, { namespace: 'spare', annotations: {} }));
    proxy.open();
    await followed.until('the deletion', () => followed.addresses().length === 0, 35_000);
    const resumed = proxy.watches.slice(watchesBefore).find(({ path }) => path === slicesPath);
    expect(resumed?.version).toMatch(/^\d+$/);
    await followed.until('health', () => followed.discovery.condition().isHealthy);
    expect(proxy.lists.filter((path) => path === slicesPath).length).toBe(listsBefore + 1);
  });

  it('resumes a watch that ended in good order without a new list', async () => {
    await reset();
    using followed = await follow(proxied, { namespace });
    await putEndpoints('10.1.0.5');
    await followed.until('a version to resume from', () => followed.addresses().join() === '10.1.0.5:8000');
    const listsBefore = proxy.lists.length;
    proxy.hold();
    proxy.endWatches();
    await putEndpoints('10.1.0.6');
    proxy.open();
    await followed.until('the change', () => followed.addresses().join() === '10.1.0.6:8000');
    expect(proxy.lists.slice(listsBefore).filter((path) => path === slicesPath)).toEqual([]);
  });
});
