import { describe, expect, it } from '@jest/globals';
import { endpointId } from '../../../sidecar/core/index.ts';
import { createWorld, member } from '../../support/pool-world.ts';

const a = endpointId('pool/a');

describe('pool restarts', () => {
  const running = async (incarnation: string | null = null) => {
    const world = createWorld();
    world.setUp('a', { startedAt: 100 });
    world.pool.replace([member('a', { incarnation })]);
    world.start();
    await world.clock.advance(500);
    expect(world.restarts).toEqual([]);
    return world;
  };

  it('are told when the process started later, with its start', async () => {
    const world = await running();
    world.setUp('a', { startedAt: 200 });
    await world.clock.advance(1200);
    expect(world.restarts).toEqual([{ endpoint: a, reason: 'process-start', startedAtSeconds: 200 }]);
    await world.clock.advance(3000);
    expect(world.restarts).toHaveLength(1);
    world.stop();
  });

  it('are seen across scrapes that were missed', async () => {
    const world = await running();
    world.setDown('a');
    await world.clock.advance(10_000);
    expect(world.state('a')?.load).toBeNull();
    world.setUp('a', { startedAt: 200 });
    await world.clock.advance(10_000);
    expect(world.restarts.map(({ reason }) => reason)).toEqual(['process-start']);
    world.stop();
  });

  it('are told when the incarnation changes, and make the endpoint unknown', async () => {
    const world = await running('uid/0');
    world.pool.replace([member('a', { incarnation: 'uid/1' })]);
    expect(world.restarts).toEqual([{ endpoint: a, reason: 'incarnation', startedAtSeconds: null }]);
    expect(world.state('a')).toMatchObject({ health: 'unknown', load: null, models: null });
    world.setUp('a', { startedAt: 200 });
    await world.clock.advance(2000);
    expect(world.restarts).toHaveLength(1);
    expect(world.state('a')).toMatchObject({ health: 'ready', models: [{ id: 'm' }] });
    world.stop();
  });

  it('are told once where metrics show them first', async () => {
    const world = await running('uid/0');
    world.setUp('a', { startedAt: 200 });
    await world.clock.advance(1200);
    world.pool.replace([member('a', { incarnation: 'uid/1' })]);
    expect(world.restarts.map(({ reason }) => reason)).toEqual(['process-start']);
    world.pool.replace([member('a', { incarnation: 'uid/2' })]);
    expect(world.restarts.map(({ reason }) => reason)).toEqual(['process-start', 'incarnation']);
    world.stop();
  });

  it('are told when an id moves to another address', async () => {
    const world = await running();
    world.pool.replace([member('a', { address: 'other:8000' })]);
    expect(world.restarts.map(({ reason }) => reason)).toEqual(['incarnation']);
    world.stop();
  });

  it('are not told where an incarnation becomes known', async () => {
    const world = await running(null);
    world.pool.replace([member('a', { incarnation: 'uid/0' })]);
    expect(world.restarts).toEqual([]);
    world.stop();
  });
});
