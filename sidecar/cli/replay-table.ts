import type { ReplayFigures } from '../app/index.ts';

/** What `replay --json` prints. */
export interface ReplayDocument {
  readonly trace: string;
  readonly speed: number;
  readonly seed: number;
  /** Engines and delays, as the flags have them. */
  readonly world: Readonly<Record<string, unknown>>;
  readonly policies: readonly ReplayFigures[];
}

const columns = [
  'policy',
  'requests',
  'hit ratio',
  'TTFT mean',
  'TTFT p50',
  'TTFT p99',
  'imbalance',
  'predictions right',
];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 3 : 1)} s`;

const row = (figures: ReplayFigures): readonly string[] => [
  figures.policy,
  String(figures.requests),
  `${(100 * figures.hitRatio).toFixed(1)} %`,
  seconds(figures.ttftMeanMs),
  seconds(figures.ttftP50Ms),
  seconds(figures.ttftP99Ms),
  figures.imbalance.toFixed(2),
  `${((100 * figures.predictions.exact) / Math.max(1, figures.predictions.total)).toFixed(2)} %`,
];

/** A replay as a table for people. */
export const replayTable = ({ policies }: ReplayDocument): string => {
  const rows = [columns, ...policies.map(row)];
  const widths = columns.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const skipped = policies[0]?.skipped ?? 0;
  if (skipped > 0) lines.push(`${skipped} requests are longer than an engine's cache and were left out`);
  return lines.join('\n');
};
