import { describe, expect, it } from '@jest/globals';
import { endpointId } from '../../../sidecar/core/index.ts';
import { refused } from '../../support/fake-http.ts';
import { createWorld, member } from '../../support/pool-world.ts';

const a = endpointId('pool/a');

describe('pool health', () => {
  it('is ready once an engine told its models', async () => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(200);
    expect(world.state('a')?.health).toBe('ready');
    world.stop();
  });

  it('is failing after one refused connection and comes back by a probe', async () => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(500);
    world.setDown('a');
    world.pool.reportConnectionFailure(a);
    expect(world.state('a')?.health).toBe('failing');
    await world.clock.advance(5000);
    expect(world.state('a')?.health).toBe('failing');
    const probes = world.http.count('http://a:8000/health');
    expect(probes).toBeGreaterThan(2);
    expect(probes).toBeLessThan(8);
    world.setUp('a');
    await world.clock.advance(10_000);
    expect(world.state('a')?.health).toBe('ready');
    world.stop();
  });

  it('waits at least twice as long, then four times, up to the cap between probes', async () => {
    const world = createWorld();
    world.pool.replace([member('a', { metricsUrl: null })]);
    world.start();
    await world.clock.advance(100);
    const probeTimes: number[] = [];
    world.http.set('http://a:8000/health', () => {
      probeTimes.push(world.clock.now());
      return refused;
    });
    await world.clock.advance(120_000);
    const gaps = probeTimes.slice(1).map((time, index) => time - (probeTimes[index] ?? 0));
    expect(gaps[0]).toBeGreaterThanOrEqual(500);
    expect(gaps[1]).toBeGreaterThanOrEqual(1000);
    expect(Math.min(...gaps.slice(5))).toBeGreaterThanOrEqual(5000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
    world.stop();
  });

  it('does not come back by an answer on an old connection', async () => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.pool.reportSuccess(a);
    expect(world.state('a')?.health).toBe('ready');
    world.pool.reportConnectionFailure(a);
    world.pool.reportSuccess(a);
    expect(world.state('a')?.health).toBe('failing');
  });

  it('stays failing while the engine answers its probe with 503', async () => {
    const world = createWorld();
    world.setUp('a');
    world.http.set('http://a:8000/health', { kind: 'answered', status: 503, text: '' });
    world.pool.replace([member('a')]);
    world.start();
    world.pool.reportConnectionFailure(a);
    await world.clock.advance(5000);
    expect(world.state('a')?.health).toBe('failing');
    world.stop();
  });

  it('fails by a refused scrape of the same listener, and not by one of another', async () => {
    const world = createWorld();
    for (const name of ['a', 'b']) world.setUp(name);
    world.pool.replace([member('a'), member('b', { metricsUrl: 'http://elsewhere:9000/metrics' })]);
    world.start();
    await world.clock.advance(300);
    world.http.set('http://a:8000/metrics', refused);
    await world.clock.advance(1200);
    expect(world.state('a')?.health).not.toBe('unknown');
    expect(world.http.count('http://a:8000/health')).toBeGreaterThan(0);
    expect(world.http.count('http://b:8000/health')).toBe(0);
    expect(world.state('b')?.health).toBe('ready');
    world.stop();
  });

  it('is one for all ranks behind an address', () => {
    const world = createWorld();
    const rank = (number: number) => member(`r${number}`, { address: 'h:8000', rank: number, hasRanks: true });
    world.pool.replace([rank(0), rank(1), member('b')]);
    world.pool.reportConnectionFailure(endpointId('pool/r0'));
    const health = world.pool.snapshot().endpoints.map((entry) => entry.health);
    expect(health).toEqual(['failing', 'failing', 'unknown']);
  });

  it('ignores reports on endpoints that are gone', () => {
    const { pool } = createWorld();
    expect(() => {
      pool.reportConnectionFailure(a);
      pool.reportSuccess(a);
    }).not.toThrow();
  });
});
