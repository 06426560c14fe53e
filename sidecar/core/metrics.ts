/** Values of a metric's labels, by label name. */
export type MetricLabels = Readonly<Record<string, string>>;

/**
 * Where rooms report figures. Names are those of the catalogue in `metrics/`, without the `warmroute_` prefix; an
 * unknown name throws in tests and is dropped in production. Durations in seconds, sizes in bytes.
 */
export interface Metrics {
  /** Adds to a counter. */
  count(name: string, labels?: MetricLabels, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, value: number, labels?: MetricLabels): void;
  /** Records one value of a histogram. */
  observe(name: string, value: number, labels?: MetricLabels): void;
  /** Forgets every series whose labels include these, as when an endpoint is gone. */
  forget(labels: MetricLabels): void;
}

/** Drops everything. */
export const silentMetrics: Metrics = {
  count: () => {},
  gauge: () => {},
  observe: () => {},
  forget: () => {},
};
