import { collectDefaultMetrics, Registry } from 'prom-client';
import type { MetricLabels, Metrics } from '../core/index.ts';
import type { MetricDefinition } from './catalogue.ts';
import { MetricFamily } from './metric-family.ts';

/** The Metrics port, readable as Prometheus text. */
export interface MetricsRegistry extends Metrics {
  /** Adds the process's own: CPU, memory, open files, event-loop delay, garbage collection. To be called once. */
  collectProcess(): void;
  /** Everything reported so far, with the content type to send it under. */
  text(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Prefix of every name in what is scraped. */
export const metricPrefix = 'warmroute_';

/**
 * Creates the registry of a catalogue. An observation that does not fit it (unknown name, other labels, no finite number,
 * one series too many) is dropped and told to `onMistake`, which throws in tests. A series costs its label values once. The
 * process's own metrics are prom-client's; the catalogue's are counted here, since they cost every request.
 */
export const createMetricsRegistry = (options: {
  readonly catalogue: readonly MetricDefinition[];
  readonly onMistake: (mistake: string) => void;
}): MetricsRegistry => {
  const { onMistake } = options;
  const process = new Registry();
  const families = new Map<string, MetricFamily>();
  for (const definition of options.catalogue) {
    families.set(definition.name, new MetricFamily(definition, metricPrefix + definition.name));
  }

  const familyFor = (type: MetricDefinition['type'], name: string, value: number): MetricFamily | null => {
    const family = families.get(name);
    if (family?.definition.type !== type) {
      onMistake(`there is no ${type} ${name}`);
      return null;
    }
    if (!Number.isFinite(value) || (type === 'counter' && value < 0)) {
      onMistake(`${name} cannot take ${value}`);
      return null;
    }
    return family;
  };

  const told = (mistake: string | null | undefined): void => {
    if (typeof mistake === 'string') onMistake(mistake);
  };

  const none: MetricLabels = {};
  return {
    count: (name, labels = none, by = 1) => told(familyFor('counter', name, by)?.add(labels, by)),
    gauge: (name, value, labels = none) => told(familyFor('gauge', name, value)?.set(labels, value)),
    observe: (name, value, labels = none) => told(familyFor('histogram', name, value)?.observe(labels, value)),
    forget: (part) => {
      for (const family of families.values()) family.forget(part);
    },
    collectProcess: () => collectDefaultMetrics({ register: process, prefix: metricPrefix }),
    text: async () => {
      const texts = Array.from(families.values(), (family) => family.text());
      const ofProcess = await process.metrics();
      return {
        contentType: process.contentType,
        text: `${texts.join('\n\n')}\n${ofProcess === '\n' ? '' : `\n${ofProcess}`}`,
      };
    },
  };
};
