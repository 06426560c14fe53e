import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  catalogue,
  createMetricsRegistry,
  type MetricDefinition,
  type MetricsRegistry,
} from '../../../sidecar/metrics/index.ts';

const definitions: readonly MetricDefinition[] = [
  { name: 'a_total', type: 'counter', unit: 'things', labels: ['pool', 'endpoint'], meaning: 'Things.' },
  { name: 'b', type: 'gauge', unit: 'things', labels: [], meaning: 'Level.' },
  { name: 'c_seconds', type: 'histogram', unit: 'seconds', labels: ['endpoint'], meaning: 'Time.', buckets: [0.1, 1] },
];

const createRegistry = () => {
  const mistakes: string[] = [];
  const registry = createMetricsRegistry({
    catalogue: definitions,
    onMistake: (mistake) => void mistakes.push(mistake),
  });
  return { registry, mistakes };
};

describe('metrics registry', () => {
  it('shows what was reported in the text format of Prometheus', async () => {
    const { registry, mistakes } = createRegistry();
    registry.count('a_total', { pool: 'p', endpoint: 'e' });
    registry.count('a_total', { endpoint: 'e', pool: 'p' }, 2);
    registry.gauge('b', 5);
    registry.observe('c_seconds', 0.5, { endpoint: 'e' });
    const { contentType, text } = await registry.text();
    expect(contentType).toMatch(/^text\/plain; version=0.0.4/);
    expect(text).toContain('# HELP warmroute_a_total Things.\n# TYPE warmroute_a_total counter\n');
    expect(text).toMatch(/^warmroute_a_total\{(pool="p",endpoint="e"|endpoint="e",pool="p")\} 3$/m);
    expect(text).toContain('\nwarmroute_b 5\n');
    expect(text).toContain('warmroute_c_seconds_bucket{le="0.1",endpoint="e"} 0\n');
    expect(text).toContain('warmroute_c_seconds_bucket{le="1",endpoint="e"} 1\n');
    expect(mistakes).toEqual([]);
  });

  it('writes what prom-client writes of the same observations', async () => {
    const label = fc.constantFrom('a', 'b "quoted"', 'c\\d\ne');
    const observation = fc.record({ pool: label, endpoint: label, value: fc.double({ min: 0, max: 3, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(fc.array(observation), async (observations) => {
        const { registry } = createRegistry();
        const oracle = new Registry();
        const [a, b, c] = definitions.map(({ name, meaning: help, labels }) => {
          return { name: `warmroute_${name}`, help, labelNames: [...labels], registers: [oracle] };
        });
        if (a === undefined || b === undefined || c === undefined) return;
        const [counter, gauge] = [new Counter(a), new Gauge(b)];
        const histogram = new Histogram({ ...c, buckets: [0.1, 1] });
        for (const { pool, endpoint, value } of observations) {
          registry.count('a_total', { pool, endpoint }, value);
          counter.inc({ pool, endpoint }, value);
          registry.gauge('b', value);
          gauge.set(value);
          registry.observe('c_seconds', value, { endpoint });
          histogram.observe({ endpoint }, value);
        }
        const lines = (text: string): readonly string[] => text.split('\n').sort();
        expect(lines((await registry.text()).text)).toEqual(lines(await oracle.metrics()));
      }),
    );
  });

  it.each([
    ['an unknown name', (r: MetricsRegistry) => r.count('x_total')],
    ['another type', (r: MetricsRegistry) => r.gauge('a_total', 1, { pool: 'p', endpoint: 'e' })],
    ['a missing label', (r: MetricsRegistry) => r.count('a_total', { pool: 'p' })],
    ['another label', (r: MetricsRegistry) => r.count('a_total', { pool: 'p', prompt: 'e' })],
    ['one label more', (r: MetricsRegistry) => r.gauge('b', 1, { pool: 'p' })],
    ['no number', (r: MetricsRegistry) => r.gauge('b', Number.NaN)],
    ['a counter that goes back', (r: MetricsRegistry) => r.count('a_total', { pool: 'p', endpoint: 'e' }, -1)],
  ])('drops %s and says so', async (_name, report) => {
    const { registry, mistakes } = createRegistry();
    const { text } = await registry.text();
    report(registry);
    expect(mistakes).toHaveLength(1);
    expect((await registry.text()).text).toBe(text);
  });

  it('forgets every series of an endpoint and no other', async () => {
    const { registry } = createRegistry();
    for (const endpoint of ['e1', 'e2']) {
      registry.count('a_total', { pool: 'p', endpoint });
      registry.observe('c_seconds', 1, { endpoint });
    }
    registry.forget({ endpoint: 'e1' });
    const { text } = await registry.text();
    expect(text).not.toContain('e1');
    expect(text.match(/endpoint="e2"/g)?.length).toBeGreaterThan(4);
    registry.count('a_total', { pool: 'p', endpoint: 'e1' });
    expect((await registry.text()).text).toMatch(/^warmroute_a_total\{.*e1.*\} 1$/m);
  });

  it('bounds the series of one metric', async () => {
    const { registry, mistakes } = createRegistry();
    for (let number = 0; number < 5_001; number += 1) registry.count('a_total', { pool: 'p', endpoint: `${number}` });
    expect(mistakes).toEqual(['a_total has 5000 series already']);
  });

  it('adds the process on request', async () => {
    const { registry } = createRegistry();
    registry.collectProcess();
    const { text } = await registry.text();
    expect(text).toContain('warmroute_nodejs_eventloop_lag_p99_seconds');
    expect(text).toContain('warmroute_nodejs_gc_duration_seconds');
  });
});

describe('catalogue', () => {
  it('names each metric once, counters in _total', () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type } of catalogue) expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
  });

  it('names units and labels as Prometheus wants them', () => {
    for (const { name, labels, unit, type, buckets } of catalogue) {
      expect(name).toMatch(/^[a-z][a-z0-9_]+$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
      if (unit === 'seconds' || unit === 'bytes') expect(name).toContain(unit);
      expect(buckets !== undefined).toBe(type === 'histogram');
      expect([...(buckets ?? [])].sort((a, b) => a - b)).toEqual(buckets ?? []);
    }
  });
});
