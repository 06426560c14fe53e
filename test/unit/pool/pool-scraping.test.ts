import { describe, expect, it } from '@jest/globals';
import { endpointId, type Metrics, silentMetrics } from '../../../sidecar/core/index.ts';
import { ok } from '../../support/fake-http.ts';
import { createWorld, member, page } from '../../support/pool-world.ts';

const a = endpointId('pool/a');

describe('pool scraping', () => {
  it('reads each endpoint about once a second', async () => {
    const world = createWorld();
    world.setUp('a', { running: 3 });
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(100);
    expect(world.state('a')?.load).toMatchObject({ running: 3 });
    await world.clock.advance(10_000);
    const scrapes = world.http.count('http://a:8000/metrics');
    expect(scrapes).toBeGreaterThanOrEqual(10);
    expect(scrapes).toBeLessThanOrEqual(12);
    world.stop();
  });

  it('does not ask again while an answer is due', async () => {
    const world = createWorld();
    const pending = Promise.withResolvers<ReturnType<typeof page>>();
    world.http.set('http://a:8000/metrics', () => pending.promise);
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(10_000);
    expect(world.http.count('http://a:8000/metrics')).toBe(1);
    pending.resolve(page({ running: 2 }));
    await world.clock.advance(0);
    expect(world.state('a')?.load).toMatchObject({ running: 2, readAtMs: 10_000 });
    world.stop();
  });

  it('asks once for all ranks behind one address', async () => {
    const world = createWorld();
    const text = [0, 1].map((rank) => `vllm:num_requests_running{engine="${rank}"} ${rank + 5}`).join('\n');
    world.http.set('http://h:8000/metrics', ok(text));
    const rank = (number: number) =>
      member(`a${number}`, {
        address: 'h:8000',
        metricsUrl: 'http://h:8000/metrics',
        rank: number,
        hasRanks: true,
      });
    world.pool.replace([rank(0), rank(1)]);
    world.start();
    await world.clock.advance(500);
    expect(world.http.count('http://h:8000/metrics')).toBe(1);
    expect(world.state('a0')?.load?.running).toBe(5);
    expect(world.state('a1')?.load?.running).toBe(6);
    world.stop();
  });

  it('forgets a load after three misses in a row, not before, and tells once', async () => {
    const world = createWorld();
    world.setUp('a', { running: 1 });
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(500);
    world.http.set('http://a:8000/metrics', { kind: 'timed-out' });
    await world.clock.advance(2000);
    expect(world.state('a')?.load).not.toBeNull();
    await world.clock.advance(3000);
    expect(world.state('a')?.load).toBeNull();
    expect(world.loads.filter(([, running]) => running === null)).toHaveLength(1);
    expect(world.state('a')?.health).toBe('ready');
    world.http.set('http://a:8000/metrics', page({ running: 9 }));
    await world.clock.advance(1200);
    expect(world.state('a')?.load?.running).toBe(9);
    world.stop();
  });

  it.each([
    ['an error status', { kind: 'answered', status: 404, text: 'no' } as const],
    ['a page that is not an engine’s', ok('up 1\n')],
    ['a broken connection', { kind: 'broken', why: 'ECONNRESET' } as const],
  ])('counts %s as a miss', async (_case, answer) => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(500);
    world.http.set('http://a:8000/metrics', answer);
    await world.clock.advance(5000);
    expect(world.state('a')?.load).toBeNull();
    world.stop();
  });

  it('stops for endpoints that are gone and when it is told to', async () => {
    const world = createWorld();
    for (const name of ['a', 'b']) world.setUp(name);
    world.pool.replace([member('a'), member('b')]);
    world.start();
    await world.clock.advance(500);
    world.pool.replace([member('b')]);
    const before = world.http.count('http://a:8000/metrics');
    await world.clock.advance(3000);
    expect(world.http.count('http://a:8000/metrics')).toBe(before);
    world.stop();
    const asked = world.http.asked.length;
    await world.clock.advance(60_000);
    expect(world.http.asked.length).toBe(asked);
    expect(world.clock.pending).toBe(0);
  });
});

describe('a pool', () => {
  it('tells once when an engine goes to sleep, and shows it', async () => {
    const world = createWorld();
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(500);
    world.setUp('a', { awake: 0 });
    await world.clock.advance(3000);
    expect(world.asleep).toEqual(['pool/a']);
    expect(world.state('a')?.load?.isAsleep).toBe(true);
    world.setUp('a', { awake: 1 });
    await world.clock.advance(1200);
    world.setUp('a', { awake: 0 });
    await world.clock.advance(1200);
    expect(world.asleep).toHaveLength(2);
    world.stop();
  });

  it('follows endpoints that come after the start', async () => {
    const world = createWorld();
    world.setUp('a');
    world.start();
    world.pool.replace([member('a')]);
    await world.clock.advance(500);
    expect(world.state('a')).toMatchObject({ health: 'ready', load: { running: 0 } });
    world.stop();
  });

  it('counts scrapes by outcome and endpoints by health', async () => {
    const counted = new Map<string, number>();
    const gauges = new Map<string, number>();
    const key = (name: string, labels: Readonly<Record<string, string>> = {}) =>
      [name, ...Object.values(labels)].join(' ');
    const metrics: Metrics = {
      ...silentMetrics,
      count: (name, labels) => counted.set(key(name, labels), (counted.get(key(name, labels)) ?? 0) + 1),
      gauge: (name, value, labels) => gauges.set(key(name, labels), value),
    };
    const world = createWorld({ metrics });
    world.setUp('a');
    world.pool.replace([member('a')]);
    world.start();
    await world.clock.advance(500);
    expect(counted.get('scrapes_total pool ok')).toBe(1);
    expect(counted.get('model_polls_total pool ok')).toBe(1);
    expect(gauges.get('endpoints pool ready')).toBe(1);
    world.pool.reportConnectionFailure(a);
    expect(counted.get('connection_failures_total pool request')).toBe(1);
    expect([gauges.get('endpoints pool ready'), gauges.get('endpoints pool failing')]).toEqual([0, 1]);
    world.stop();
  });
});
