import { describe, expect, it } from '@jest/globals';
import type { ClusterState } from '../../../../sidecar/discovery/kubernetes/cluster-view.ts';
import {
  inferencePoolReader,
  readEndpointSlice,
  readPod,
  readService,
} from '../../../../sidecar/discovery/kubernetes/objects.ts';
import { createPoolBuilder } from '../../../../sidecar/discovery/kubernetes/pool-builder.ts';
import { pod, type StoredObject, service, slice } from '../../../support/fake-kubernetes-objects.ts';

const cluster = (objects: {
  readonly services?: readonly StoredObject[];
  readonly slices?: readonly StoredObject[];
  readonly pods?: readonly StoredObject[];
  readonly inferencePools?: readonly StoredObject[];
}): ClusterState => ({
  services: (objects.services ?? []).map(readService),
  slices: (objects.slices ?? []).map(readEndpointSlice),
  pods: (objects.pods ?? []).map(readPod),
  inferencePools: (objects.inferencePools ?? []).map(inferencePoolReader('inference.networking.k8s.io/v1')),
});

const buildAll = (state: ClusterState, takesEveryInferencePool = false) =>
  createPoolBuilder({ takesEveryInferencePool })(state);

const build = (state: ClusterState, takesEveryInferencePool = false) => buildAll(state, takesEveryInferencePool).pools;

/** What is wrong with one object, by its name. */
const mistakesOf = (state: ClusterState, name: string) =>
  buildAll(state).objects.find(({ owner }) => owner.meta.name === name)?.mistakes;

const findingOf = (state: ClusterState) => buildAll(state).objects[0]?.finding ?? null;

const only = (state: ClusterState) => {
  const [pool, ...rest] = build(state);
  expect(rest).toEqual([]);
  if (pool === undefined) throw new Error('no pool was built');
  return pool;
};

const addressesOf = (state: ClusterState) => only(state).endpoints.map(({ endpoint }) => endpoint.address);

describe('pools of annotated Services', () => {
  it('ignores Services without the pool annotation', () => {
    expect(build(cluster({ services: [service('plain', { annotations: {} })] }))).toEqual([]);
  });

  it('takes the port that the Service names, from every slice', () => {
    const state = cluster({
      services: [service('qwen')],
      slices: [
        slice('qwen-1', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] }),
        slice('qwen-2', {
          service: 'qwen',
          ports: [
            { name: 'metrics', port: 9000 },
            { name: 'http', port: 8001 },
          ],
          endpoints: [{ ip: '10.0.0.2', pod: 'b' }],
        }),
        slice('other-1', { service: 'other', endpoints: [{ ip: '10.0.0.9', pod: 'z' }] }),
      ],
    });
    expect(addressesOf(state)).toEqual(['10.0.0.1:8000', '10.0.0.2:8001']);
  });

  it('gives event, replay and metrics addresses by the annotations', () => {
    const state = cluster({
      services: [service('qwen', { annotations: { pool: 'p', 'events-port': '6000', 'replay-port': '6100' } })],
      slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })],
    });
    expect(only(state).endpoints[0]?.endpoint).toMatchObject({
      id: 'p/10.0.0.1:8000',
      name: 'a',
      eventsAddress: 'tcp://10.0.0.1:6000',
      replayAddress: 'tcp://10.0.0.1:6100',
      metricsUrl: 'http://10.0.0.1:8000/metrics',
    });
  });

  it('lays out one endpoint a rank, ports growing with the rank', () => {
    const annotations = { pool: 'p', 'data-parallel-size': '2', 'replay-port': '6100' };
    const state = cluster({
      services: [service('qwen', { annotations })],
      slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })],
    });
    expect(only(state).endpoints.map(({ endpoint }) => endpoint)).toMatchObject([
      { id: 'p/10.0.0.1:8000#0', rank: 0, hasRanks: true, eventsAddress: 'tcp://10.0.0.1:5557' },
      { id: 'p/10.0.0.1:8000#1', rank: 1, hasRanks: true, replayAddress: 'tcp://10.0.0.1:6101' },
    ]);
  });

  it('counts a dual-stack pod once, by its IPv4 address', () => {
    const state = cluster({
      services: [service('qwen')],
      slices: [
        slice('v6', { service: 'qwen', addressType: 'IPv6', endpoints: [{ ip: 'fd00::1', pod: 'a' }] }),
        slice('v4', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] }),
      ],
    });
    expect(addressesOf(state)).toEqual(['10.0.0.1:8000']);
  });

  it('writes an IPv6 host in brackets', () => {
    const state = cluster({
      services: [service('qwen')],
      slices: [slice('v6', { service: 'qwen', addressType: 'IPv6', endpoints: [{ ip: 'fd00::1', pod: 'a' }] })],
    });
    expect(addressesOf(state)).toEqual(['[fd00::1]:8000']);
  });

  it.each([
    ['terminating', { ready: false, terminating: true }],
    ['terminating but still ready', { ready: true, terminating: true }],
    ['not ready', { ready: false }],
  ])('keeps an endpoint that is %s, without new requests', (_, conditions) => {
    const state = cluster({
      services: [service('qwen')],
      slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a', ...conditions }] })],
    });
    expect(only(state).endpoints[0]?.isTerminating).toBe(true);
  });

  it('takes the ready one of an endpoint that stands in two slices', () => {
    const state = cluster({
      services: [service('qwen')],
      slices: [
        slice('s1', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a', ready: false }] }),
        slice('s2', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] }),
      ],
    });
    expect(only(state).endpoints.map(({ isTerminating }) => isTerminating)).toEqual([false]);
  });

  it('changes the incarnation when the pod behind an address is another one or was restarted', () => {
    const incarnation = (uid: string, restarts: number) =>
      only(
        cluster({
          services: [service('qwen')],
          slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a', uid }] })],
          pods: [pod('a', { ip: '10.0.0.1', uid, restarts })],
        }),
      ).endpoints[0]?.incarnation;
    expect(new Set([incarnation('u1', 0), incarnation('u2', 0), incarnation('u1', 1)]).size).toBe(3);
  });

  it('lets a pod override ports, rank and role', () => {
    const annotations = { port: '9000', 'events-port': '7000', rank: '3', role: 'decode' };
    const state = cluster({
      services: [service('qwen')],
      slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })],
      pods: [pod('a', { ip: '10.0.0.1', annotations })],
    });
    expect(only(state).endpoints[0]?.endpoint).toMatchObject({
      address: '10.0.0.1:9000',
      rank: 3,
      role: 'decode',
      eventsAddress: 'tcp://10.0.0.1:7003',
    });
  });

  it('reads no events at a port that a pod puts beyond the last one', () => {
    const state = cluster({
      services: [service('qwen')],
      slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })],
      pods: [pod('a', { ip: '10.0.0.1', annotations: { 'events-port': '65000', rank: '600' } })],
    });
    const { endpoints, mistakes } = only(state);
    expect(endpoints[0]?.endpoint.eventsAddress).toBeNull();
    expect(mistakes).toEqual(['pod a: events-port or replay-port, with the rank added, is beyond 65535']);
  });

  it('reports every mistake together and goes on with defaults', () => {
    const annotations = { pool: 'p', engine: 'trt', 'events-port': '0', modles: 'x', port: 'api' };
    const state = cluster({
      services: [service('qwen', { annotations })],
      slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })],
      pods: [pod('a', { ip: '10.0.0.1', annotations: { role: 'chef' } })],
    });
    const { mistakes, definition } = only(state);
    expect(definition.engine).toBe('vllm');
    expect(mistakes).toEqual([
      expect.stringContaining('warmroute.dev/modles: unknown annotation'),
      expect.stringContaining('warmroute.dev/events-port: "0" must be a whole number'),
      expect.stringContaining('warmroute.dev/engine: "trt" must be vllm or sglang'),
      expect.stringContaining('the Service has no port named "api"'),
      expect.stringContaining('pod a: warmroute.dev/role: "chef"'),
    ]);
  });

  it('joins Services that name the same pool and says where their definitions differ', () => {
    const state = cluster({
      services: [
        service('one', { annotations: { pool: 'p' } }),
        service('two', { annotations: { pool: 'p', models: 'other' } }),
      ],
      slices: [
        slice('s1', { service: 'one', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] }),
        slice('s2', { service: 'two', endpoints: [{ ip: '10.0.0.2', pod: 'b' }] }),
      ],
    });
    const { endpoints, mistakes } = only(state);
    expect(endpoints.map(({ endpoint }) => endpoint.address)).toEqual(['10.0.0.1:8000', '10.0.0.2:8000']);
    expect(mistakes).toEqual([expect.stringContaining('it defines pool "p" differently from Service llm/one')]);
  });
});

describe('what annotated objects get wrong', () => {
  const oneSlice = slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] });

  it('lets the oldest object define a pool that two name', () => {
    const state = cluster({
      services: [
        service('a-later', { annotations: { pool: 'p', models: 'later' }, createdAt: '2026-02-01T00:00:00Z' }),
        service('b-first', { annotations: { pool: 'p', models: 'first' } }),
      ],
    });
    expect(only(state).definition.models).toEqual(['first']);
    expect(mistakesOf(state, 'a-later')).toEqual([expect.stringContaining('differently from Service llm/b-first')]);
    expect(mistakesOf(state, 'b-first')).toEqual([]);
  });

  it('does not let another namespace join a pool', () => {
    const state = cluster({
      services: [
        service('qwen', { annotations: { pool: 'p' } }),
        service('qwen', { annotations: { pool: 'p' }, namespace: 'mallory', createdAt: '2026-02-01T00:00:00Z' }),
      ],
      slices: [
        oneSlice,
        slice('t', { service: 'qwen', namespace: 'mallory', endpoints: [{ ip: '10.6.6.6', pod: 'm' }] }),
      ],
    });
    expect(addressesOf(state)).toEqual(['10.0.0.1:8000']);
    expect(buildAll(state).objects.flatMap(({ mistakes }) => mistakes)).toEqual([
      'warmroute.dev/pool: "p" belongs to Service llm/qwen already; choose another name',
    ]);
  });

  it('reports annotations of an object that names no pool', () => {
    const state = cluster({ services: [service('qwen', { annotations: { pol: 'p' } })] });
    expect(build(state)).toEqual([]);
    expect(mistakesOf(state, 'qwen')).toEqual([expect.stringContaining('warmroute.dev/pool: it is missing')]);
  });

  it.each([
    [
      'beyond the last port',
      { 'events-port': '65530', 'data-parallel-size': '8' },
      'must be a whole number from 1 to 65528',
    ],
    [
      'that overlap',
      { 'events-port': '5557', 'replay-port': '5560', 'data-parallel-size': '4' },
      'overlaps the event ports',
    ],
  ])('reports event and replay ports %s', (_, annotations, text) => {
    const state = cluster({ services: [service('qwen', { annotations: { pool: 'p', ...annotations } })] });
    expect(mistakesOf(state, 'qwen')).toEqual([expect.stringContaining(text)]);
  });

  it('takes annotations that were copied from the Service to its pods for no override', () => {
    const annotations = { pool: 'p', port: '80', models: 'm', tokenizer: '/t', 'data-parallel-size': '1' };
    const state = cluster({
      services: [service('qwen', { annotations })],
      slices: [oneSlice],
      pods: [pod('a', { ip: '10.0.0.1', annotations })],
    });
    expect(addressesOf(state)).toEqual(['10.0.0.1:8000']);
    expect(mistakesOf(state, 'qwen')).toEqual([]);
  });

  it.each([
    ['no Pod matches its selector app=qwen', { services: [service('qwen')] }],
    ['1 Pods match, none has an address yet', { services: [service('qwen')], pods: [pod('a', { ip: '' })] }],
    [
      'its EndpointSlices do not have the port that serves the API',
      {
        services: [service('qwen', { annotations: { pool: 'p', port: 'api' }, ports: [{ name: 'api', port: 80 }] })],
        slices: [oneSlice],
        pods: [pod('a', { ip: '10.0.0.1' })],
      },
    ],
    [
      '1 endpoints, none is ready',
      {
        services: [service('qwen')],
        slices: [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a', ready: false }] })],
      },
    ],
  ])('explains a Service without endpoints: %s', (problem, objects) => {
    expect(findingOf(cluster(objects))).toMatchObject({ code: 'no-ready-endpoint', problem });
  });

  it('has nothing to explain while one endpoint is ready', () => {
    expect(findingOf(cluster({ services: [service('qwen')], slices: [oneSlice] }))).toBeNull();
  });
});

describe('endpoints at the edge of change', () => {
  it('takes the new one of two pods at the same address', () => {
    const state = cluster({
      services: [service('qwen')],
      slices: [
        slice('s', {
          service: 'qwen',
          endpoints: [
            { ip: '10.0.0.1', pod: 'old', ready: false, terminating: true },
            { ip: '10.0.0.1', pod: 'new' },
          ],
        }),
      ],
    });
    expect(only(state).endpoints).toMatchObject([{ endpoint: { name: 'new' }, incarnation: 'uid-new/0' }]);
  });

  it('keeps the incarnation when a pod is seen after its slice', () => {
    const services = [service('qwen')];
    const slices = [slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })];
    const [before] = only(cluster({ services, slices })).endpoints;
    const [after] = only(cluster({ services, slices, pods: [pod('a', { ip: '10.0.0.1' })] })).endpoints;
    expect(after?.incarnation).toBe(before?.incarnation);
  });

  it('moves endpoints when a slice moves to another Service', () => {
    const builder = createPoolBuilder({ takesEveryInferencePool: false });
    const services = [service('one'), service('two')];
    const addresses = (owner: string) => {
      const slices = [slice('s', { service: owner, endpoints: [{ ip: '10.0.0.1', pod: 'a' }] })];
      const { pools } = builder(cluster({ services, slices }));
      return pools.map(({ definition, endpoints }) => [definition.name, endpoints.length]);
    };
    expect(addresses('one')).toEqual([
      ['one', 1],
      ['two', 0],
    ]);
    expect(addresses('two')).toEqual([
      ['one', 0],
      ['two', 1],
    ]);
  });
});

describe('pools of InferencePools', () => {
  const inferencePool = (spec: unknown, annotations: Readonly<Record<string, string>> = {}): StoredObject => ({
    metadata: { name: 'infer', namespace: 'llm', uid: 'pool', annotations },
    spec,
  });
  const pods = [pod('a', { ip: '10.0.0.1' }), pod('b', { ip: '10.0.0.2', app: 'else' })];

  it('takes the pods that v1 selects, each target port as a rank of its own', () => {
    const spec = { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 8000 }, { number: 8001 }] };
    const [pool] = build(cluster({ inferencePools: [inferencePool(spec)], pods }), true);
    expect(pool?.endpoints.map(({ endpoint }) => endpoint)).toMatchObject([
      { address: '10.0.0.1:8000', rank: 0, hasRanks: false, eventsAddress: 'tcp://10.0.0.1:5557' },
      { address: '10.0.0.1:8001', rank: 1, hasRanks: false, eventsAddress: 'tcp://10.0.0.1:5558' },
    ]);
  });

  it('reads the plain selector and single port of v1alpha2', () => {
    const spec = { selector: { app: 'qwen' }, targetPortNumber: 8000 };
    const [pool] = build(cluster({ inferencePools: [inferencePool(spec)], pods }), true);
    expect(pool?.endpoints.map(({ endpoint }) => endpoint.address)).toEqual(['10.0.0.1:8000']);
  });

  it('leaves a pool without annotations alone unless told to take every one', () => {
    const spec = { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 8000 }] };
    expect(build(cluster({ inferencePools: [inferencePool(spec)], pods }), false)).toEqual([]);
    const annotated = inferencePool(spec, { 'warmroute.dev/pool': 'mine' });
    expect(
      build(cluster({ inferencePools: [annotated], pods }), false).map(({ definition }) => definition.name),
    ).toEqual(['mine']);
  });

  it('gives no new requests to a pod that is being deleted', () => {
    const spec = { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 8000 }] };
    const leaving = pod('a', { ip: '10.0.0.1', deletionTimestamp: '2026-01-01T00:00:00Z' });
    const [pool] = build(cluster({ inferencePools: [inferencePool(spec)], pods: [leaving] }), true);
    expect(pool?.endpoints.map(({ isTerminating }) => isTerminating)).toEqual([true]);
  });

  it('drops a pod whose containers have ended for good', () => {
    const spec = { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 8000 }] };
    const ended = pod('a', { ip: '10.0.0.1', ready: false, phase: 'Failed' });
    const [pool] = build(cluster({ inferencePools: [inferencePool(spec)], pods: [ended] }), true);
    expect(pool?.endpoints).toEqual([]);
  });

  it('says that one pod cannot move the port where there are several target ports', () => {
    const spec = { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 8000 }, { number: 8001 }] };
    const own = pod('a', { ip: '10.0.0.1', annotations: { port: '9000', rank: '4' } });
    const [pool] = build(cluster({ inferencePools: [inferencePool(spec)], pods: [own] }), true);
    expect(pool?.endpoints.map(({ endpoint }) => [endpoint.address, endpoint.rank])).toEqual([
      ['10.0.0.1:8000', 4],
      ['10.0.0.1:8001', 5],
    ]);
    expect(pool?.mistakes).toContainEqual(expect.stringContaining('several target ports'));
  });
});
