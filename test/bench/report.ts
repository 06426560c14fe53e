/** Benchmark reports for people. */

import { cpus } from 'node:os';
import type { BenchmarkReport, Measurement } from './harness.ts';

const figure = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toFixed(2)}G`;
  if (size >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  return String(Number(value.toPrecision(3)));
};

const columns: readonly (readonly [title: string, cell: (row: Measurement) => string])[] = [
  ['body', (row) => row.body],
  ['units/s', (row) => figure(row.unitsPerSecond)],
  ['p50 µs', (row) => figure(row.p50Us)],
  ['p99 µs', (row) => figure(row.p99Us)],
  ['CPU µs', (row) => figure(row.cpuUs)],
  ['heap B', (row) => figure(row.heapBytes)],
  ['calls', (row) => figure(row.calls)],
  ['× baseline', (row) => figure(row.ratio)],
  ['loop p99/max ms', (row) => (row.loopDelay ? `${figure(row.loopDelay.p99Ms)}/${figure(row.loopDelay.maxMs)}` : '')],
];

/** Machine and runtime, without which no figure means anything. */
export const describeMachine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}`;

/** A table of one benchmark: times a call, heap and CPU a call, ratio to the baseline of the same run. */
export const renderReport = (report: BenchmarkReport): string => {
  const cells = report.measurements.map((row) => columns.map(([, cell]) => cell(row)));
  const isShown = columns.map((_, column) => cells.some((row) => row[column] !== ''));
  const widths = columns.map(([title], column) =>
    Math.max(title.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .filter((_, column) => isShown[column])
      .join('  ')
      .trimEnd();
  const figures = report.measurements.flatMap(({ body, figures: extra }) =>
    Object.entries(extra).map(([name, value]) => `  ${body}: ${name} ${figure(value)}`),
  );
  return [
    `${report.benchmark} (${report.unitsPerCall} × ${report.unit} a call; baseline: ${report.baseline})`,
    line(columns.map(([title]) => title)),
    ...cells.map(line),
    ...figures,
    '',
  ].join('\n');
};
