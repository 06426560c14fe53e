import { describe, expect, it } from '@jest/globals';
import { seededRandom, silentLogger } from '../../../../sidecar/core/index.ts';
import { createKubernetesDiscovery, type DiscoveredPool } from '../../../../sidecar/discovery/index.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { collections, FakeKubernetes, service, slice } from '../../../support/fake-kubernetes.ts';

const endpointSlice = (ips: readonly string[], name = 's') =>
  slice(name, { service: 'qwen', endpoints: ips.map((ip) => ({ ip, pod: `pod-${ip}` })) });

const setUp = (options: { readonly startTimeoutMs?: number } = {}) => {
  const clock = createFakeClock();
  const api = new FakeKubernetes();
  const notices: (readonly DiscoveredPool[])[] = [];
  const stopping = new AbortController();
  const discovery = createKubernetesDiscovery({
    namespacesOf: () => null,
    inferencePools: [],
    takesEveryInferencePool: false,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    createApi: async () => api,
    ...options,
  });
  const start = (): Promise<void> => discovery.start(stopping.signal, (pools) => notices.push(pools));
  const addresses = () => notices.at(-1)?.flatMap(({ endpoints }) => endpoints.map(({ endpoint }) => endpoint.address));
  return { clock, api, notices, discovery, start, addresses, stop: () => stopping.abort() };
};

const started = async () => {
  const world = setUp();
  world.api.put(collections.services, service('qwen'));
  world.api.put(collections.slices, endpointSlice(['10.0.0.1']));
  await world.start();
  await world.clock.advance(0);
  return world;
};

describe('Kubernetes discovery', () => {
  it('tells every pool before start resolves', async () => {
    const { addresses, stop } = await started();
    expect(addresses()).toEqual(['10.0.0.1:8000']);
    stop();
  });

  it('resolves with no pool at all', async () => {
    const { start, notices, stop } = setUp();
    await start();
    expect(notices).toEqual([[]]);
    stop();
  });

  it('reads lists of many pages', async () => {
    const { api, start, addresses, stop } = setUp();
    api.put(collections.services, service('qwen'));
    for (let index = 0; index < 60; index += 1) {
      api.put(collections.slices, endpointSlice([`10.0.1.${index}`], `s-${String(index).padStart(2, '0')}`));
    }
    await start();
    expect(addresses()).toHaveLength(60);
    stop();
  });

  it('gathers a burst of changes into one notice', async () => {
    const { api, clock, notices, addresses, stop } = await started();
    const before = notices.length;
    for (let last = 2; last < 10; last += 1) api.put(collections.slices, endpointSlice([`10.0.0.${last}`]));
    await clock.advance(60);
    expect(notices.length - before).toBe(1);
    expect(addresses()).toEqual(['10.0.0.9:8000']);
    stop();
  });

  it('lists again after 410 and finds what was deleted meanwhile', async () => {
    const { api, clock, addresses, stop } = await started();
    api.endWatches('cleanly');
    api.delete(collections.slices, 'llm/s');
    api.compact();
    await clock.advance(60);
    await clock.advance(60);
    expect(addresses()).toEqual([]);
    stop();
  });

  it('goes on from the last version when the server ends a watch in good order', async () => {
    const { api, clock, addresses, stop } = await started();
    api.endWatches('cleanly');
    await clock.advance(0);
    api.put(collections.slices, endpointSlice(['10.0.0.2']));
    await clock.advance(60);
    expect(addresses()).toEqual(['10.0.0.2:8000']);
    expect(api.listsOf.get(collections.slices)).toBe(1);
    stop();
  });

  it('resumes from a bookmark after history is gone', async () => {
    const { api, clock, stop } = await started();
    for (let round = 0; round < 3; round += 1) api.put('/api/v1/elsewhere', service(`other-${round}`));
    api.bookmark();
    api.compact();
    api.endWatches('cleanly');
    await clock.advance(60);
    expect(api.listsOf.get(collections.slices)).toBe(1);
    stop();
  });

  it('keeps what it knows while the server is away, says so, and catches up', async () => {
    const { api, clock, discovery, addresses, stop } = await started();
    api.goAway();
    await clock.advance(120_000);
    expect(addresses()).toEqual(['10.0.0.1:8000']);
    expect(discovery.condition()).toMatchObject({ isHealthy: false, detail: expect.stringContaining('services') });
    api.put(collections.slices, endpointSlice(['10.0.0.3']));
    api.comeBack();
    await clock.advance(60_000);
    expect(addresses()).toEqual(['10.0.0.3:8000']);
    expect(discovery.condition()).toEqual({ isHealthy: true, detail: 'watching' });
    stop();
  });

  it('notices a server that keeps connections open but says nothing', async () => {
    const { api, clock, discovery, addresses, stop } = await started();
    api.fallSilent();
    api.put(collections.slices, endpointSlice(['10.0.0.4']));
    await clock.advance(16_000);
    expect(discovery.condition().isHealthy).toBe(true);
    expect(api.listsOf.get(collections.slices)).toBe(2);
    await clock.advance(100);
    expect(addresses()).toEqual(['10.0.0.4:8000']);
    stop();
  });

  it('names the missing rule when access is denied', async () => {
    const { api, clock, discovery, stop } = await started();
    api.refuse(collections.slices, 403);
    api.endWatches('broken');
    await clock.advance(1000);
    expect(discovery.condition().detail).toContain('the Role needs verbs [get, list, watch] on endpointslices');
    stop();
  });

  it('fails to start, with the reason, when nothing can be read in time', async () => {
    const { api, clock, start } = setUp({ startTimeoutMs: 5000 });
    api.goAway();
    const outcome = expect(start()).rejects.toMatchObject({ code: 'unavailable' });
    await clock.advance(5000);
    await outcome;
  });

  it('stops when told to during the first list', async () => {
    const { api, start, stop, clock } = setUp();
    api.refuse(collections.pods, 500);
    const outcome = expect(start()).rejects.toBeDefined();
    stop();
    await clock.advance(40_000);
    await outcome;
    expect(api.watchers).toBe(0);
  });

  it('writes one Event for a mistake, and none for its repetition', async () => {
    const { api, clock, notices, stop } = await started();
    const wrong = service('qwen', { annotations: { pool: 'qwen', engine: 'x' } });
    api.put(collections.services, wrong);
    await clock.advance(60);
    api.put(collections.services, wrong);
    await clock.advance(60);
    expect(notices.at(-1)?.[0]?.mistakes).toHaveLength(1);
    expect(api.created).toMatchObject([
      {
        path: '/api/v1/namespaces/llm/events',
        body: { reason: 'WarmrouteAnnotation', involvedObject: { name: 'qwen' } },
      },
    ]);
    stop();
  });
});
