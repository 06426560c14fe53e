import type { MetricLabels } from '../core/index.ts';
import type { MetricDefinition } from './catalogue.ts';

/** One metric with one set of label values. */
interface Series {
  readonly labels: MetricLabels;
  /** Of a histogram the sum of what was observed. */
  value: number;
  /** Observations by bucket, not cumulative; the last has those above every bound. Empty for other types. */
  readonly counts: Float64Array;
}

// A label with more values than endpoints times outcomes can have is a mistake that would eat memory without end.
const maxSeries = 5_000;

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const includes = (labels: MetricLabels, part: MetricLabels): boolean =>
  Object.entries(part).every(([name, value]) => labels[name] === value);

/**
 * One metric of the catalogue with all its series, in numbers alone: an observation costs a look-up and an addition, the text
 * is made when it is asked for. Methods that report return what does not fit, null where all is well.
 */
export class MetricFamily {
  readonly definition: MetricDefinition;
  readonly #name: string;
  readonly #bounds: readonly number[];
  /** By label values, joined. */
  readonly #series = new Map<string, Series>();
  /** Found last, and mostly wanted again. */
  #last: Series | undefined;

  /** `name` is the whole one, prefix included. */
  constructor(definition: MetricDefinition, name: string) {
    this.definition = definition;
    this.#name = name;
    this.#bounds = definition.buckets ?? [];
    if (definition.labels.length === 0) this.#find({});
  }

  add(labels: MetricLabels, by: number): string | null {
    const series = this.#find(labels);
    if (typeof series === 'string') return series;
    series.value += by;
    return null;
  }

  set(labels: MetricLabels, value: number): string | null {
    const series = this.#find(labels);
    if (typeof series === 'string') return series;
    series.value = value;
    return null;
  }

  observe(labels: MetricLabels, value: number): string | null {
    const series = this.#find(labels);
    if (typeof series === 'string') return series;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.value += value;
    return null;
  }

  /** Drops the series that have all of these label values. */
  forget(part: MetricLabels): void {
    for (const [key, { labels }] of this.#series) if (includes(labels, part)) this.#series.delete(key);
    this.#last = undefined;
  }

  /** Prometheus' exposition format 0.0.4, without a newline at the end. */
  text(): string {
    const { type, meaning } = this.definition;
    const lines = [`# HELP ${this.#name} ${escaped(meaning)}`, `# TYPE ${this.#name} ${type}`];
    for (const series of this.#series.values()) {
      if (type === 'histogram') this.#writeHistogram(series, lines);
      else lines.push(`${this.#name}${this.#labelsText(series)} ${series.value}`);
    }
    return lines.join('\n');
  }

  #find(labels: MetricLabels): Series | string {
    const { definition } = this;
    let given = 0;
    for (const _ in labels) given += 1;
    const known = this.#lastWith(labels) ?? this.#series.get(this.#keyOf(labels));
    if (known !== undefined && given === definition.labels.length) {
      this.#last = known;
      return known;
    }
    if (given !== definition.labels.length || definition.labels.some((name) => !(name in labels))) {
      return `${definition.name} takes the labels [${definition.labels.join(', ')}], not [${Object.keys(labels).join(', ')}]`;
    }
    if (this.#series.size >= maxSeries) return `${definition.name} has ${maxSeries} series already`;
    const counts = new Float64Array(definition.type === 'histogram' ? this.#bounds.length + 1 : 0);
    const series = { labels: { ...labels }, value: 0, counts };
    this.#series.set(this.#keyOf(labels), series);
    return series;
  }

  /** The series found last, if its labels are these. */
  #lastWith(labels: MetricLabels): Series | undefined {
    const last = this.#last;
    for (const name of this.definition.labels) if (labels[name] !== last?.labels[name]) return undefined;
    return last;
  }

  /** Tells series apart. A single label's value is taken as it is: looking up a text made for it would hash it each time. */
  #keyOf(labels: MetricLabels): string {
    const names = this.definition.labels;
    let key = `${labels[names[0] ?? '']}`;
    for (let at = 1; at < names.length; at += 1) key += `\u0000${labels[names[at] ?? '']}`;
    return key;
  }

  #labelsText({ labels }: Series, le?: string): string {
    const parts = le === undefined ? [] : [`le="${le}"`];
    for (const name of this.definition.labels) {
      parts.push(`${name}="${escaped(labels[name] ?? '').replaceAll('"', '\\"')}"`);
    }
    return parts.length === 0 ? '' : `{${parts.join(',')}}`;
  }

  #writeHistogram(series: Series, lines: string[]): void {
    let count = 0;
    for (const [bucket, inBucket] of series.counts.entries()) {
      count += inBucket;
      const bound = this.#bounds[bucket];
      lines.push(`${this.#name}_bucket${this.#labelsText(series, bound === undefined ? '+Inf' : `${bound}`)} ${count}`);
    }
    lines.push(`${this.#name}_sum${this.#labelsText(series)} ${series.value}`);
    lines.push(`${this.#name}_count${this.#labelsText(series)} ${count}`);
  }
}
