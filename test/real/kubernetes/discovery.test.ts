import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeDiscovery, type Fleet } from '../../contract/discovery-suite.ts';
import { pollUntil } from '../../support/process.ts';
import { testkube } from './api-server.ts';
import { type Cluster, definitionsAtHand, startCluster } from './cluster.ts';
import { discoveryUnder, follow } from './followed-cluster.ts';
import type { KubeObject } from './kube-client.ts';
import { pod, service, slice } from './objects.ts';

const executable = testkube();

/** v1alpha2's shape, as far as it is read; its own definition is no longer published beside v1's. */
const v1alpha2Definition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'inferencepools.inference.networking.x-k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'unapproved, test only' },
  },
  spec: {
    group: 'inference.networking.x-k8s.io',
    scope: 'Namespaced',
    names: {
      kind: 'InferencePool',
      plural: 'inferencepools',
      singular: 'inferencepool',
      listKind: 'InferencePoolList',
    },
    versions: [
      {
        name: 'v1alpha2',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

(executable === null ? describe.skip : describe)('discovery against a real API server', () => {
  let cluster: Cluster;
  let namespaces = 0;
  let inferencePoolVersions: readonly ('v1' | 'v1alpha2')[] = ['v1alpha2'];

  beforeAll(async () => {
    cluster = await startCluster(executable ?? '');
    const definitions = await definitionsAtHand();
    const inferencePools = definitions.filter(({ metadata }) => metadata.name.startsWith('inferencepools.'));
    if (inferencePools.length === 0) console.log('SKIPPED kubernetes: no definition of InferencePool v1 at hand');
    await cluster.addDefinitions([...inferencePools, v1alpha2Definition]);
    if (inferencePools.length > 0) inferencePoolVersions = ['v1', 'v1alpha2'];
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  /** A namespace of its own with our ServiceAccount and Role in it. */
  const world = async () => {
    namespaces += 1;
    const namespace = `llm-${namespaces}`;
    await cluster.addNamespace(namespace);
    await cluster.install('kustomize/base', namespace);
    const { kubeconfig } = await cluster.account(namespace, 'warmroute');
    const { apply, remove } = cluster.admin;
    return { namespace, kubeconfig, apply, remove };
  };

  const putFleet = async (namespace: string, before: Fleet, next: Fleet): Promise<void> => {
    for (const name of Object.keys(before)) {
      if (next[name] !== undefined) continue;
      await cluster.admin.remove(slice(name, { namespace, service: name, endpoints: [] }));
      await cluster.admin.remove(service(name, { namespace }));
    }
    for (const [name, addresses] of Object.entries(next)) {
      const endpoints = addresses.map((address) => ({ ip: address.split(':')[0] ?? '' }));
      await cluster.admin.apply(service(name, { namespace }));
      await cluster.admin.apply(slice(name, { namespace, service: name, endpoints }));
    }
  };

  describeDiscovery('Kubernetes (real API server)', async (fleet) => {
    const { namespace, kubeconfig } = await world();
    let current: Fleet = {};
    const setFleet = async (next: Fleet): Promise<void> => {
      await putFleet(namespace, current, next);
      current = next;
    };
    await setFleet(fleet);
    return {
      discovery: discoveryUnder(kubeconfig, { namespace }),
      setFleet,
      settle: async (told) => {
        const endMs = performance.now() + 1000;
        while (!isDeepStrictEqual(told(), current) && performance.now() < endMs) await sleep(20);
        // Nothing more is to come.
        await sleep(200);
      },
    };
  });

  it('follows endpoints as they appear, change and go, over several slices with named ports', async () => {
    const { namespace, kubeconfig, apply, remove } = await world();
    const ports = [
      { name: 'metrics', port: 9000 },
      { name: 'api', port: 80 },
    ];
    await apply(service('qwen', { namespace, ports, annotations: { pool: 'qwen', port: 'api' } }));
    using followed = await follow(kubeconfig, { namespace });
    const first = {
      namespace,
      service: 'qwen',
      ports: [
        { name: 'metrics', port: 9000 },
        { name: 'api', port: 8000 },
      ],
    };
    await apply(slice('qwen-1', { ...first, endpoints: [{ ip: '10.1.0.1' }, { ip: '10.1.0.2' }] }));
    await apply(slice('qwen-2', { ...first, ports: [{ name: 'api', port: 8001 }], endpoints: [{ ip: '10.1.0.3' }] }));
    await followed.until('three endpoints', () => followed.addresses().length === 3);
    expect(followed.addresses()).toEqual(['10.1.0.1:8000', '10.1.0.2:8000', '10.1.0.3:8001']);
    await apply(slice('qwen-1', { ...first, endpoints: [{ ip: '10.1.0.2' }] }));
    await remove(slice('qwen-2', { ...first, endpoints: [] }));
    await followed.until('one endpoint', () => followed.addresses().join() === '10.1.0.2:8000');
    await remove(service('qwen', { namespace }));
    await followed.until('no pool', () => followed.pools().length === 0);
  });

  it('keeps a terminating endpoint without new requests until it is gone', async () => {
    const { namespace, kubeconfig, apply } = await world();
    const of = (endpoints: Parameters<typeof slice>[1]['endpoints']) =>
      slice('s', { namespace, service: 'qwen', endpoints });
    await apply(service('qwen', { namespace }));
    await apply(
      of([
        { ip: '10.1.0.1', pod: 'a' },
        { ip: '10.1.0.2', pod: 'b' },
      ]),
    );
    using followed = await follow(kubeconfig, { namespace });
    const states = () => followed.pools()[0]?.endpoints.map(({ isTerminating }) => isTerminating);
    expect(states()).toEqual([false, false]);
    const leaving = { ip: '10.1.0.1', pod: 'a', ready: false, serving: true, terminating: true };
    await apply(of([leaving, { ip: '10.1.0.2', pod: 'b' }]));
    await followed.until('terminating', () => isDeepStrictEqual(states(), [true, false]));
    await apply(of([{ ip: '10.1.0.2', pod: 'b' }]));
    await followed.until('gone', () => isDeepStrictEqual(states(), [false]));
  });

  it('counts a dual-stack Pod once, by IPv4', async () => {
    const { namespace, kubeconfig, apply } = await world();
    await apply(service('qwen', { namespace }));
    const shared = { namespace, service: 'qwen' };
    await apply(slice('a-v6', { ...shared, addressType: 'IPv6', endpoints: [{ ip: 'fd00::1', pod: 'a' }] }));
    await apply(slice('b-v4', { ...shared, endpoints: [{ ip: '10.1.0.1', pod: 'a' }] }));
    await apply(slice('c-v6', { ...shared, addressType: 'IPv6', endpoints: [{ ip: 'fd00::2', pod: 'b' }] }));
    using followed = await follow(kubeconfig, { namespace });
    expect(followed.addresses()).toEqual(['10.1.0.1:8000', '[fd00::2]:8000']);
  });

  it('tells a Pod that follows another at the same address, and a restart of its container', async () => {
    const { namespace, kubeconfig, apply, remove } = await world();
    const ip = '10.1.0.1';
    await apply(service('qwen', { namespace }));
    const put = async (name: string, restarts = 0): Promise<void> => {
      const stored = await apply(pod(name, { namespace, ip, app: 'qwen', restarts }), { status: true });
      const uid = stored.metadata.uid ?? '';
      await apply(slice('s', { namespace, service: 'qwen', endpoints: [{ ip, pod: name, uid }] }));
    };
    await put('old');
    using followed = await follow(kubeconfig, { namespace });
    const incarnations = new Set<string | null | undefined>();
    const current = () => followed.pools()[0]?.endpoints[0]?.incarnation;
    incarnations.add(current());
    await put('old', 1);
    await followed.until('restarted', () => !incarnations.has(current()));
    incarnations.add(current());
    await remove(pod('old', { namespace, ip, app: 'qwen' }));
    await put('new');
    await followed.until('another Pod', () => !incarnations.has(current()));
    expect(followed.addresses()).toEqual([`${ip}:8000`]);
  });

  it('moves endpoints with a slice that moves to another Service', async () => {
    const { namespace, kubeconfig, apply } = await world();
    for (const name of ['one', 'two']) await apply(service(name, { namespace }));
    const endpoints = [{ ip: '10.1.0.1' }];
    await apply(slice('s', { namespace, service: 'one', endpoints }));
    using followed = await follow(kubeconfig, { namespace });
    const counts = () =>
      Object.fromEntries(followed.pools().map((pool) => [pool.definition.name, pool.endpoints.length]));
    expect(counts()).toEqual({ one: 1, two: 0 });
    await apply(slice('s', { namespace, service: 'two', endpoints }));
    await followed.until('moved', () => isDeepStrictEqual(counts(), { one: 0, two: 1 }));
  });

  it('takes the Pods that InferencePools select, each target port as a rank', async () => {
    const { namespace, apply, remove } = await world();
    // Reading InferencePools needs a rule that the base does not have.
    const { kubeconfig } = cluster;
    const spec = {
      v1: {
        group: 'inference.networking.k8s.io',
        spec: {
          selector: { matchLabels: { app: 'v1' } },
          targetPorts: [{ number: 8000 }, { number: 8001 }],
          endpointPickerRef: { name: 'warmroute', port: { number: 9002 } },
        },
      },
      v1alpha2: {
        group: 'inference.networking.x-k8s.io',
        spec: { selector: { app: 'v1alpha2' }, targetPortNumber: 9000, extensionRef: { name: 'warmroute' } },
      },
    };
    for (const [index, version] of inferencePoolVersions.entries()) {
      const { group, spec: wanted } = spec[version];
      await apply({
        apiVersion: `${group}/${version}`,
        kind: 'InferencePool',
        metadata: { name: `pool-${version}`, namespace },
        spec: wanted,
      });
      await apply(pod(`pod-${version}`, { namespace, ip: `10.2.0.${index}`, app: version }), { status: true });
    }
    using followed = await follow(kubeconfig, {
      namespace,
      inferencePools: inferencePoolVersions,
      takesEveryInferencePool: true,
    });
    const layout = Object.fromEntries(
      followed
        .pools()
        .map(({ definition, endpoints }) => [
          definition.name,
          endpoints.map(({ endpoint }) => [endpoint.address.split(':')[1], endpoint.rank]),
        ]),
    );
    expect(layout).toEqual(
      Object.fromEntries(
        inferencePoolVersions.map((version) => [
          `pool-${version}`,
          version === 'v1'
            ? [
                ['8000', 0],
                ['8001', 1],
              ]
            : [['9000', 0]],
        ]),
      ),
    );
    for (const [index, version] of inferencePoolVersions.entries())
      await remove(pod(`pod-${version}`, { namespace, ip: `10.2.0.${index}`, app: version }));
    await followed.until('no Pods', () => followed.addresses().length === 0);
  });

  it('gives no new requests to a Pod that is being deleted', async () => {
    const { namespace, apply, remove } = await world();
    await apply({
      apiVersion: 'inference.networking.x-k8s.io/v1alpha2',
      kind: 'InferencePool',
      metadata: { name: 'pool', namespace, annotations: { 'warmroute.dev/pool': 'mine' } },
      spec: { selector: { app: 'qwen' }, targetPortNumber: 8000 },
    });
    await apply(pod('a', { namespace, ip: '10.3.0.1', app: 'qwen' }), { status: true });
    using followed = await follow(cluster.kubeconfig, { namespace, inferencePools: ['v1alpha2'] });
    const states = () => followed.pools()[0]?.endpoints.map(({ isTerminating }) => isTerminating);
    expect(states()).toEqual([false]);
    await remove(pod('a', { namespace, ip: '10.3.0.1', app: 'qwen' }), { graceSeconds: 60 });
    await followed.until('terminating', () => isDeepStrictEqual(states(), [true]));
  });

  it('writes an Event on the object for each mistake, once between two replicas', async () => {
    const { namespace, kubeconfig, apply } = await world();
    await apply(service('qwen', { namespace, annotations: { pool: 'qwen', engine: 'x', 'event-port': '1' } }));
    using _first = await follow(kubeconfig, { namespace });
    using second = await follow(kubeconfig, { namespace });
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=reason=WarmrouteAnnotation`;
    const events = async (): Promise<readonly string[]> => {
      const items: unknown = (await cluster.admin.request('GET', path)).body['items'];
      return Array.isArray(items)
        ? items.map(({ message, involvedObject }) => `${involvedObject.name}: ${message}`)
        : [];
    };
    await pollUntil(async () => ((await events()).length >= 2 ? true : undefined), {
      what: 'Events',
      deadlineMs: 5000,
    });
    expect([...(await events())].sort()).toEqual([
      'qwen: warmroute.dev/engine: "x" must be vllm or sglang',
      expect.stringContaining('qwen: warmroute.dev/event-port: unknown annotation'),
    ]);
    expect(second.discovery.findings().map(({ code }) => code)).toEqual([
      'mistaken-annotation',
      'mistaken-annotation',
      'no-ready-endpoint',
    ]);
  });
});
