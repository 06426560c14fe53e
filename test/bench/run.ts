/**
 * `npm run bench [-- NAME…] [-- --smoke] [-- --json] [-- --only TEXT] [-- --seconds N]`
 *
 * Runs every `test/bench/<room>/*.bench.ts`, or those whose room or file is named. `--smoke` runs each body once, to
 * find benchmarks that no longer work; it never judges speed. `--only` picks benchmarks whose name contains a text.
 */

import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Benchmark, type BenchmarkReport, runBenchmark } from './harness.ts';
import { describeMachine, renderReport } from './report.ts';

interface BenchmarkFile {
  readonly benchmarks?: readonly Benchmark[];
}

const findFiles = async (names: readonly string[]): Promise<readonly string[]> => {
  const entries = await readdir(import.meta.dirname, { recursive: true });
  const files = entries.filter((entry) => entry.endsWith('.bench.ts')).sort();
  const isNamed = (file: string): boolean =>
    names.length === 0 || names.includes(dirname(file)) || names.includes(basename(file, '.bench.ts'));
  return files.filter(isNamed).map((file) => join(import.meta.dirname, file));
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    smoke: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    seconds: { type: 'string', default: '2' },
  },
});
const secondsPerBody = Number(values.seconds);
const files = await findFiles(positionals);
if (files.length === 0 || !(secondsPerBody > 0)) {
  process.stderr.write(`no benchmark matches, or --seconds is not above 0\n`);
  process.exit(64);
}

const reports: BenchmarkReport[] = [];
const print = (text: string): void => {
  if (!values.json) process.stdout.write(`${text}\n`);
};
print(values.smoke ? 'smoke: each body once, nothing is measured' : describeMachine());
for (const file of files) {
  const { benchmarks }: BenchmarkFile = await import(file);
  if (benchmarks === undefined) throw new Error(`${file} exports no benchmarks`);
  for (const benchmark of benchmarks) {
    if (values.only !== undefined && !benchmark.name.includes(values.only)) continue;
    if (values.smoke && benchmark.isHeavy) continue;
    const report = await runBenchmark(benchmark, { isSmoke: values.smoke, secondsPerBody });
    reports.push(report);
    print(values.smoke ? `ok ${benchmark.name}` : renderReport(report));
  }
}
if (reports.length === 0) throw new Error('no benchmark ran');
if (values.json) process.stdout.write(`${JSON.stringify({ machine: describeMachine(), reports }, null, 2)}\n`);
