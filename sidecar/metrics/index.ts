/**
 * metrics: the Metrics port, and the catalogue of every metric; the process's own are prom-client's.
 * Written to by every room through core's Metrics port.
 * Read by the admin edge through app's port.
 * Promises that only catalogued names with exactly their labels are shown, and that the number of series is bounded.
 * The text format is Prometheus' exposition format 0.0.4.
 */
export { catalogue, type MetricDefinition } from './catalogue.ts';
export { createMetricsRegistry, type MetricsRegistry, metricPrefix } from './metrics-registry.ts';
