import { describe, expect, it } from '@jest/globals';
import { collections, service } from '../../../support/fake-kubernetes-objects.ts';
import { endpointSlice, setUp, started } from './discovery-world.ts';

describe('Kubernetes discovery while the API server makes trouble', () => {
  it('asks for bookmarks and resumes from one after history is gone', async () => {
    using world = await started();
    for (let round = 0; round < 3; round += 1) world.api.put('/api/v1/elsewhere', service(`other-${round}`));
    world.api.bookmark();
    world.api.compact();
    world.api.endWatches('cleanly');
    await world.clock.advance(500);
    expect(world.api.watchesOf.get(collections.slices)).toBe(2);
    expect(world.api.listsOf.get(collections.slices)).toBe(1);
  });

  it('goes on from the last version when the server ends a watch in good order', async () => {
    using world = await started();
    world.api.bookmark();
    world.api.endWatches('cleanly');
    world.api.put(collections.slices, endpointSlice(['10.0.0.2']));
    await world.clock.advance(500);
    expect(world.addresses()).toEqual(['10.0.0.2:8000']);
    expect(world.api.listsOf.get(collections.slices)).toBe(1);
  });

  it('lists again after 410 and finds what was deleted meanwhile', async () => {
    using world = await started();
    world.api.bookmark();
    world.api.endWatches('cleanly');
    world.api.delete(collections.slices, 'llm/s');
    world.api.compact();
    await world.clock.advance(1000);
    expect(world.addresses()).toEqual([]);
    expect(world.codes()).toEqual(['no-ready-endpoint']);
  });

  it('begins a list anew when its next page came too late', async () => {
    using world = setUp();
    world.api.put(collections.services, service('qwen'));
    for (let index = 0; index < 30; index += 1)
      world.api.put(collections.slices, endpointSlice([`10.0.1.${index}`], `s-${index}`));
    world.api.expirePages(1);
    await world.start();
    expect(world.addresses()).toHaveLength(30);
  });

  it('keeps what it knows while the server is away, says so, and catches up', async () => {
    using world = await started();
    world.api.goAway();
    await world.clock.advance(120_000);
    expect(world.addresses()).toEqual(['10.0.0.1:8000']);
    expect(world.discovery.condition()).toMatchObject({
      isHealthy: false,
      detail: expect.stringContaining('Kubernetes API server: [unavailable] connection refused'),
    });
    world.api.put(collections.slices, endpointSlice(['10.0.0.3']));
    world.api.comeBack();
    await world.clock.advance(60_000);
    expect(world.addresses()).toEqual(['10.0.0.3:8000']);
    expect(world.discovery.condition()).toEqual({ isHealthy: true, detail: 'watching' });
  });

  it('asks an absent server ever less often', async () => {
    using world = await started();
    world.api.refuse(collections.slices, 503);
    world.api.endWatches('broken');
    await world.clock.advance(1000);
    const attempts: number[] = [];
    const { api } = world;
    const list = api.list.bind(api);
    api.list = async (path, query, signal) => {
      if (path === collections.slices) attempts.push(world.clock.now());
      return list(path, query, signal);
    };
    await world.clock.advance(300_000);
    const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect(gaps.slice(-5).every((gap) => gap >= 15_000)).toBe(true);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(5);
  });

  it('notices within 15 s a server that keeps connections open but says nothing, and recovers', async () => {
    using world = await started();
    world.api.fallSilent();
    await world.clock.advance(15_100);
    expect(world.codes()).toContain('server-unreachable');
    world.api.put(collections.slices, endpointSlice(['10.0.0.4']));
    world.api.comeBack();
    await world.clock.advance(11_000);
    expect(world.addresses()).toEqual(['10.0.0.4:8000']);
    expect(world.codes()).toEqual([]);
  });

  it('does not disturb a silent watch of a server that answers', async () => {
    using world = await started();
    for (let minute = 0; minute < 5; minute += 1) {
      await world.clock.advance(60_000);
      world.api.bookmark();
    }
    expect(world.api.watchesOf.get(collections.slices)).toBe(1);
    expect(world.codes()).toEqual([]);
  });

  it('lists again when a watch misses its bookmarks though the server answers', async () => {
    using world = await started();
    world.api.fallSilent('watches');
    world.api.put(collections.slices, endpointSlice(['10.0.0.5']));
    await world.clock.advance(95_000);
    expect(world.addresses()).toEqual(['10.0.0.5:8000']);
  });

  it.each(['cleanly', 'broken'] as const)('finds a cluster made anew after its watches ended %s', async (how) => {
    using world = await started();
    for (let round = 0; round < 50; round += 1) world.api.put('/api/v1/elsewhere', service(`filler-${round}`));
    world.api.bookmark();
    world.api.recreate(how);
    world.api.put(collections.services, service('qwen'));
    world.api.put(collections.slices, endpointSlice(['10.0.0.6']));
    await world.clock.advance(95_000);
    expect(world.addresses()).toEqual(['10.0.0.6:8000']);
  });

  it('names the missing rule when reading is denied', async () => {
    using world = await started();
    world.api.refuse(collections.slices, 403);
    world.api.endWatches('broken');
    await world.clock.advance(1000);
    expect(world.discovery.condition().detail).toBe(
      'endpointslices: reading is forbidden (403); bind a ClusterRole with {apiGroups: ["discovery.k8s.io"], ' +
        "resources: [endpointslices], verbs: [list, watch]} to warmroute's ServiceAccount",
    );
  });

  it('keeps saying so, and pauses, where only watching is denied', async () => {
    using world = await started();
    world.api.refuse(collections.slices, 403, ['watch']);
    world.api.endWatches('broken');
    await world.clock.advance(60_000);
    expect(world.codes()).toEqual(['access-denied']);
    expect(world.api.listsOf.get(collections.slices)).toBeLessThan(15);
    world.api.put(collections.slices, endpointSlice(['10.0.0.7']));
    await world.clock.advance(31_000);
    expect(world.addresses()).toEqual(['10.0.0.7:8000']);
    world.api.refuse(collections.slices, 0);
    await world.clock.advance(31_000);
    expect(world.codes()).toEqual([]);
  });

  it('recovers from refused credentials by itself', async () => {
    using world = await started();
    world.api.refuse(collections.pods, 401);
    world.api.endWatches('broken');
    await world.clock.advance(1000);
    expect(world.codes()).toEqual(['credentials-refused']);
    world.api.refuse(collections.pods, 0);
    await world.clock.advance(31_000);
    expect(world.codes()).toEqual([]);
  });

  it.each(['is away', 'is silent'])('stops when told to during the first list of a server that %s', async (how) => {
    using world = setUp();
    if (how === 'is away') world.api.goAway();
    else world.api.fallSilent();
    const outcome = expect(world.start()).rejects.toBeDefined();
    await world.clock.advance(100);
    world.stop();
    await outcome;
    await world.clock.advance(60_000);
    expect(world.clock.pending).toBe(0);
    expect(world.api.watchers).toBe(0);
  });

  it('does not start under a signal that is aborted already', async () => {
    using world = setUp();
    world.stop();
    await expect(world.start()).rejects.toBeDefined();
    expect(world.api.listsOf.size).toBe(0);
  });

  it('leaves nothing behind when it is stopped while watching', async () => {
    using world = await started();
    world.stop();
    await world.clock.advance(120_000);
    expect(world.clock.pending).toBe(0);
    expect(world.api.watchers).toBe(0);
  });
});
