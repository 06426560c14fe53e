import { describe, expect, it } from '@jest/globals';
import {
  type Endpoint,
  endpointId,
  type Metrics,
  poolName,
  seededRandom,
  silentLogger,
  silentMetrics,
} from '../../../sidecar/core/index.ts';
import { createPool, type EndpointLoad, type PoolMember, type RestartNotice } from '../../../sidecar/pool/index.ts';
import { endpoint } from '../../support/candidates.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeHttp, ok, refused } from '../../support/fake-http.ts';

const served = (name: string, changes: Partial<Endpoint> = {}): Endpoint =>
  endpoint(name, { metricsUrl: `http://${name}:8000/metrics`, ...changes });

const member = (name: string, changes: Partial<Endpoint> & Partial<PoolMember> = {}): PoolMember => {
  const { isTerminating = false, incarnation = null, ...rest } = changes;
  return { endpoint: served(name, rest), isTerminating, incarnation };
};

interface Page {
  readonly running?: number;
  readonly startedAt?: number;
  readonly awake?: 0 | 1;
}

const page = ({ running = 0, startedAt = 100, awake = 1 }: Page = {}) =>
  ok(
    [
      `vllm:num_requests_running{engine="0"} ${running}`,
      'vllm:num_requests_waiting{engine="0"} 0',
      `vllm:engine_sleep_state{engine="0",sleep_state="awake"} ${awake}`,
      `process_start_time_seconds ${startedAt}`,
    ].join('\n'),
  );

const models = (...ids: readonly string[]) => ok(JSON.stringify({ data: ids.map((id) => ({ id })) }));

/** Engines by name, each answering its metrics and models. */
const createWorld = (options: { readonly metrics?: Metrics } = {}) => {
  const clock = createFakeClock();
  const http = createFakeHttp();
  const stopping = new AbortController();
  const pool = createPool({
    name: poolName('pool'),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: options.metrics ?? silentMetrics,
    get: http.get,
  });
  const versions: number[] = [];
  const loads: [endpoint: string, running: number | null][] = [];
  const restarts: RestartNotice[] = [];
  const asleep: string[] = [];
  pool.onChange(({ version }) => versions.push(version));
  pool.onLoad((id, load: EndpointLoad | null) => loads.push([id, load?.running ?? null]));
  pool.onRestart((notice) => restarts.push(notice));
  pool.onAsleep((id) => asleep.push(id));
  return {
    clock,
    http,
    pool,
    versions,
    loads,
    restarts,
    asleep,
    setUp: (name: string, content: Page = {}) => {
      http.set(`http://${name}:8000/metrics`, page(content));
      http.set(`http://${name}:8000/v1/models`, models('m'));
      http.set(`http://${name}:8000/health`, ok(''));
    },
    setDown: (name: string) => {
      for (const path of ['metrics', 'v1/models', 'health']) http.set(`http://${name}:8000/${path}`, refused);
    },
    start: () => pool.start(stopping.signal),
    stop: () => stopping.abort(),
    state: (name: string) => pool.snapshot().endpoints.find((entry) => entry.endpoint.id === `pool/${name}`),
  };
};

const a = endpointId('pool/a');

describe('pool', () => {
  describe('snapshots', () => {
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

  describe('change notices', () => {
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

  describe('scraping', () => {
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

  describe('health', () => {
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

  describe('models', () => {
    const card = (id: string, extra: Readonly<Record<string, unknown>> = {}) => ({ id, object: 'model', ...extra });

    it('are told with base models first, adapters with their parent', async () => {
      const world = createWorld();
      const data = [
        card('lora-a', { parent: 'base', max_model_len: null }),
        card('base', { parent: null, max_model_len: 32768 }),
      ];
      world.http.set('http://a:8000/v1/models', ok(JSON.stringify({ object: 'list', data })));
      world.pool.replace([member('a', { metricsUrl: null })]);
      world.start();
      await world.clock.advance(200);
      expect(world.state('a')?.models).toEqual([
        { id: 'base', parent: null, maxModelLength: 32768 },
        { id: 'lora-a', parent: 'base', maxModelLength: null },
      ]);
      world.stop();
    });

    it('are asked for every half minute and on demand, and told only when they change', async () => {
      const world = createWorld();
      world.setUp('a');
      world.pool.replace([member('a')]);
      world.start();
      await world.clock.advance(1000);
      expect(world.http.count('http://a:8000/v1/models')).toBe(1);
      const before = world.versions.length;
      world.http.set('http://a:8000/v1/models', models('m', 'n'));
      world.pool.refreshModels();
      await world.clock.advance(0);
      expect(world.state('a')?.models).toHaveLength(2);
      expect(world.versions.length).toBe(before + 1);
      await world.clock.advance(65_000);
      expect(world.http.count('http://a:8000/v1/models')).toBe(4);
      expect(world.versions.length).toBe(before + 1);
      world.stop();
    });

    it('are asked for every second until they are told', async () => {
      const world = createWorld();
      world.http.set('http://a:8000/v1/models', { kind: 'answered', status: 503, text: 'loading' });
      world.pool.replace([member('a', { metricsUrl: null })]);
      world.start();
      await world.clock.advance(5000);
      expect(world.http.count('http://a:8000/v1/models')).toBeGreaterThan(3);
      world.http.set('http://a:8000/v1/models', models('m'));
      await world.clock.advance(1200);
      expect(world.state('a')?.models).toHaveLength(1);
      world.stop();
    });

    it.each([['not JSON'], ['{"data":{}}'], ['[]'], ['null']])('stay what they were on the answer %s', async (text) => {
      const world = createWorld();
      world.setUp('a');
      world.pool.replace([member('a')]);
      world.start();
      await world.clock.advance(500);
      world.http.set('http://a:8000/v1/models', ok(text));
      world.pool.refreshModels();
      await world.clock.advance(100);
      expect(world.state('a')?.models).toHaveLength(1);
      world.stop();
    });
  });

  describe('restarts', () => {
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
