import { describe, expect, it } from '@jest/globals';
import { collections, pod, service, slice } from '../../../support/fake-kubernetes-objects.ts';
import { endpointSlice, setUp, started } from './discovery-world.ts';

describe('Kubernetes discovery', () => {
  it('tells every pool before start resolves', async () => {
    using world = await started();
    expect(world.addresses()).toEqual(['10.0.0.1:8000']);
  });

  it('resolves with no pool at all', async () => {
    using world = setUp();
    await world.start();
    expect(world.notices).toEqual([[]]);
  });

  it('reads lists of many pages', async () => {
    using world = setUp();
    world.api.put(collections.services, service('qwen'));
    for (let index = 0; index < 60; index += 1) {
      world.api.put(collections.slices, endpointSlice([`10.0.1.${index}`], `s-${String(index).padStart(2, '0')}`));
    }
    await world.start();
    expect(world.addresses()).toHaveLength(60);
  });

  it('looks only in the namespaces it is given', async () => {
    using world = setUp({ namespacesOf: (own) => [own ?? '', 'llm'] });
    world.api.put('/api/v1/namespaces/llm/services', service('qwen'));
    world.api.put('/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices', endpointSlice(['10.0.0.1']));
    await world.start();
    expect(world.addresses()).toEqual(['10.0.0.1:8000']);
    expect([...world.api.listsOf.keys()].filter((path) => path.endsWith('/pods')).sort()).toEqual([
      '/api/v1/namespaces/default/pods',
      '/api/v1/namespaces/llm/pods',
    ]);
  });

  it('gathers a burst of changes into one notice', async () => {
    using world = await started();
    const before = world.notices.length;
    for (let last = 2; last < 10; last += 1) world.api.put(collections.slices, endpointSlice([`10.0.0.${last}`]));
    await world.clock.advance(60);
    expect(world.notices.length - before).toBe(1);
    expect(world.addresses()).toEqual(['10.0.0.9:8000']);
  });

  it('says nothing of changes that make no difference to a pool', async () => {
    using world = await started();
    const before = world.notices.length;
    world.api.put(collections.pods, pod('elsewhere', { ip: '10.9.9.9', app: 'web' }));
    world.api.put(collections.services, service('plain', { annotations: {} }));
    await world.clock.advance(60);
    expect(world.notices.length).toBe(before);
  });

  it('hands on pools and endpoints that did not change as the same objects', async () => {
    using world = await started();
    world.api.put(collections.services, service('other'));
    for (const last of [1, 2]) {
      const endpoints = [{ ip: `10.1.0.${last}`, pod: `x${last}` }];
      world.api.put(collections.slices, slice(`o-${last}`, { service: 'other', endpoints }));
    }
    await world.clock.advance(60);
    const [otherBefore, qwenBefore] = world.notices.at(-1) ?? [];
    world.api.delete(collections.slices, 'llm/o-2');
    await world.clock.advance(60);
    const [other, qwen] = world.notices.at(-1) ?? [];
    expect(qwen).toBe(qwenBefore);
    expect(other?.endpoints).toHaveLength(1);
    expect(other?.endpoints[0]).toBe(otherBefore?.endpoints[0]);
  });

  it('goes on with the first look of other resources where the cluster does not know InferencePools', async () => {
    using world = setUp({ inferencePools: ['v1'], takesEveryInferencePool: true });
    world.api.refuse(collections.inferencePools, 404);
    world.api.put(collections.services, service('qwen'));
    world.api.put(collections.slices, endpointSlice(['10.0.0.1']));
    await world.start();
    expect(world.addresses()).toEqual(['10.0.0.1:8000']);
    expect(world.codes()).toEqual(['resource-unknown']);
    world.api.refuse(collections.inferencePools, 0);
    world.api.put(collections.pods, pod('b', { ip: '10.0.0.2' }));
    world.api.put(collections.inferencePools, {
      metadata: { name: 'infer', namespace: 'llm', uid: 'pool' },
      spec: { selector: { matchLabels: { app: 'qwen' } }, targetPorts: [{ number: 8000 }] },
    });
    await world.clock.advance(61_000);
    expect(world.addresses()?.sort()).toEqual(['10.0.0.1:8000', '10.0.0.2:8000']);
    expect(world.codes()).toEqual([]);
  });

  it('fails to start, with the reason, when nothing can be read in time', async () => {
    using world = setUp({ startTimeoutMs: 5000 });
    world.api.goAway();
    const outcome = expect(world.start()).rejects.toMatchObject({
      code: 'unavailable',
      details: { mistakes: [expect.stringContaining('Kubernetes API server: [unavailable]')] },
    });
    await world.clock.advance(5000);
    await outcome;
  });

  it('lists what a person should mend, each with its mend', async () => {
    using world = await started();
    world.api.put(collections.services, service('qwen', { annotations: { pool: 'qwen', engine: 'x' } }));
    world.api.put(
      collections.slices,
      slice('s', { service: 'qwen', endpoints: [{ ip: '10.0.0.1', pod: 'a', ready: false }] }),
    );
    world.api.put(collections.services, service('typo', { annotations: { pol: 'qwen' } }));
    await world.clock.advance(60);
    expect(world.discovery.findings()).toEqual([
      {
        code: 'mistaken-annotation',
        subject: 'Service llm/qwen',
        problem: 'warmroute.dev/engine: "x" must be vllm or sglang',
        mend: 'correct it: kubectl -n llm edit service qwen',
      },
      {
        code: 'no-ready-endpoint',
        subject: 'Service llm/qwen',
        problem: '1 endpoints, none is ready',
        mend: 'see why: kubectl -n llm get pods -l app=qwen',
      },
      expect.objectContaining({
        code: 'mistaken-annotation',
        subject: 'Service llm/typo',
        problem: 'warmroute.dev/pool: it is missing, so the other annotations say nothing',
      }),
    ]);
  });
});
