import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricLabels, Metrics } from '../core/index.ts';
import type { MetricDefinition } from './catalogue.ts';

/** The Metrics port, readable as Prometheus text. */
export interface MetricsRegistry extends Metrics {
  /** Adds the process's own: CPU, memory, open files, event-loop delay, garbage collection. To be called once. */
  collectProcess(): void;
  /** Everything reported so far, with the content type to send it under. */
  text(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Prefix of every name in what is scraped. */
export const metricPrefix = 'warmroute_';

type Instrument =
  | { readonly type: 'counter'; readonly metric: Counter }
  | { readonly type: 'gauge'; readonly metric: Gauge }
  | { readonly type: 'histogram'; readonly metric: Histogram };

interface Family {
  readonly definition: MetricDefinition;
  readonly instrument: Instrument;
  /** Label values seen, by their joined text. */
  readonly series: Map<string, MetricLabels>;
}

// A label with more values than endpoints times outcomes can have is a mistake that would eat memory without end.
const maxSeries = 5_000;

const createInstrument = (definition: MetricDefinition, registry: Registry): Instrument => {
  const { type, labels, meaning, buckets } = definition;
  const base = { name: metricPrefix + definition.name, help: meaning, labelNames: [...labels], registers: [registry] };
  if (type === 'counter') return { type, metric: new Counter(base) };
  if (type === 'gauge') return { type, metric: new Gauge(base) };
  return { type, metric: new Histogram(buckets === undefined ? base : { ...base, buckets: [...buckets] }) };
};

const includes = (labels: MetricLabels, part: MetricLabels): boolean =>
  Object.entries(part).every(([name, value]) => labels[name] === value);

/**
 * Creates the registry of a catalogue. An observation that does not fit it (unknown name, other labels, no finite number,
 * one series too many) is dropped and told to `onMistake`, which throws in tests. A series costs its label values once.
 */
export const createMetricsRegistry = (options: {
  readonly catalogue: readonly MetricDefinition[];
  readonly onMistake: (mistake: string) => void;
}): MetricsRegistry => {
  const { onMistake } = options;
  const registry = new Registry();
  const families = new Map<string, Family>();
  for (const definition of options.catalogue) {
    families.set(definition.name, {
      definition,
      instrument: createInstrument(definition, registry),
      series: new Map(),
    });
  }

  const admits = ({ definition, series }: Family, labels: MetricLabels): boolean => {
    const given = Object.keys(labels);
    let key = '';
    let isFitting = given.length === definition.labels.length;
    for (const name of definition.labels) {
      isFitting &&= name in labels;
      key += `${labels[name]}\u0000`;
    }
    if (!isFitting) {
      onMistake(`${definition.name} takes the labels [${definition.labels.join(', ')}], not [${given.join(', ')}]`);
      return false;
    }
    if (series.has(key)) return true;
    if (series.size >= maxSeries) {
      onMistake(`${definition.name} has ${maxSeries} series already`);
      return false;
    }
    series.set(key, { ...labels });
    return true;
  };

  const report = (type: Instrument['type'], name: string, labels: MetricLabels, value: number): void => {
    const family = families.get(name);
    if (family === undefined || family.instrument.type !== type) {
      onMistake(`there is no ${type} ${name}`);
      return;
    }
    if (!Number.isFinite(value) || (type === 'counter' && value < 0)) {
      onMistake(`${name} cannot take ${value}`);
      return;
    }
    if (!admits(family, labels)) return;
    const { instrument } = family;
    if (instrument.type === 'counter') instrument.metric.inc(labels, value);
    else if (instrument.type === 'gauge') instrument.metric.set(labels, value);
    else instrument.metric.observe(labels, value);
  };

  return {
    count: (name, labels = {}, by = 1) => report('counter', name, labels, by),
    gauge: (name, value, labels = {}) => report('gauge', name, labels, value),
    observe: (name, value, labels = {}) => report('histogram', name, labels, value),
    forget: (part) => {
      for (const { instrument, series } of families.values()) {
        for (const [key, labels] of series) {
          if (!includes(labels, part)) continue;
          series.delete(key);
          instrument.metric.remove(labels);
        }
      }
    },
    collectProcess: () => collectDefaultMetrics({ register: registry, prefix: metricPrefix }),
    text: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
};
