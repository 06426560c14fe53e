import { describe, expect, it } from '@jest/globals';
import { createWorld, member } from '../../support/pool-world.ts';

describe('pool snapshots', () => {
  it('hold every endpoint, unknown until something is heard of it', () => {
    const { pool, state } = createWorld();
    pool.replace([member('a'), member('b', { isTerminating: true })]);
    expect(pool.snapshot().endpoints.map((entry) => entry.endpoint.name)).toEqual(['a', 'b']);
    expect(state('a')).toMatchObject({ health: 'unknown', load: null, models: null, isTerminating: false });
    expect(state('b')?.isTerminating).toBe(true);
  });

  it('are frozen, and the same object until something changes', () => {
    const { pool } = createWorld();
    pool.replace([member('a')]);
    const before = pool.snapshot();
    expect(pool.snapshot()).toBe(before);
    expect([before, before.endpoints, before.endpoints[0]].every(Object.isFrozen)).toBe(true);
    pool.replace([member('a'), member('b')]);
    expect(before.endpoints).toHaveLength(1);
    expect(pool.snapshot().version).toBeGreaterThan(before.version);
  });

  it('share the states of endpoints that did not change', () => {
    const { pool } = createWorld();
    pool.replace([member('a')]);
    const [before] = pool.snapshot().endpoints;
    pool.replace([member('a'), member('b')]);
    expect(pool.snapshot().endpoints[0]).toBe(before);
  });
});

describe('pool change notices', () => {
  it('come when endpoints come, go or change, and not otherwise', () => {
    const { pool, versions } = createWorld();
    pool.replace([member('a')]);
    pool.replace([member('a')]);
    expect(versions).toHaveLength(1);
    pool.replace([member('a', { isTerminating: true })]);
    pool.replace([member('a', { isTerminating: true, eventsAddress: 'tcp://a:5557' })]);
    pool.replace([]);
    expect(versions).toHaveLength(4);
  });

  it('end for a listener that left', () => {
    const { pool } = createWorld();
    const told: number[] = [];
    const leave = pool.onChange(({ version }) => told.push(version));
    leave();
    pool.replace([member('a')]);
    expect(told).toEqual([]);
  });

  it('do not come with each scrape', async () => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(1000);
    const before = world.versions.length;
    await world.clock.advance(5000);
    expect(world.loads.length).toBeGreaterThan(4);
    expect(world.versions.length).toBe(before);
    world.stop();
  });
});
