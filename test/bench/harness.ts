/** Measures benchmarks: bodies of one benchmark take turns, so that a noisy neighbour hits all of them alike. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { GCProfiler, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One way to do a benchmark's work. */
export interface BenchmarkBody {
  readonly name: string;
  /** Does one call's work. Its result is kept from being optimized away; a promise is awaited. */
  run(): unknown;
  /** Puts things back for the next call; not timed. */
  reset?(): void;
  /** Further figures, read once after measuring: bytes a block, longest pause, … Names carry their unit. */
  figures?(): Readonly<Record<string, number>>;
}

/** What one benchmark's set-up gives. */
interface BenchmarkBodies {
  /** Name of the body that the others are compared with. */
  readonly baseline: string;
  readonly bodies: readonly BenchmarkBody[];
  /** Releases what set-up opened. */
  dispose?(): Promise<void> | void;
}

/** One comparison. Files `test/bench/<room>/*.bench.ts` export `benchmarks: readonly Benchmark[]`. */
export interface Benchmark {
  readonly name: string;
  /** What a unit of work is, singular: `block`, `decision`, … */
  readonly unit: string;
  /** Units that one call of any body does. */
  readonly unitsPerCall: number;
  /** True for benchmarks too big to be run once in CI. Default false. */
  readonly isHeavy?: boolean;
  /** Builds data and bodies; not timed. `isSmoke`: each body runs once, so keep the data small. */
  setup(options: { readonly isSmoke: boolean }): Promise<BenchmarkBodies> | BenchmarkBodies;
}

/** Event-loop delay while an asynchronous body ran, milliseconds; sampled every millisecond. */
interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What was measured of one body. Times are a call's. */
export interface Measurement {
  readonly body: string;
  readonly calls: number;
  readonly unitsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** User and system time, all threads; the body's `reset` included. */
  readonly cpuUs: number;
  /** JavaScript heap allocated a call, `reset` included; typed arrays' contents are outside it. */
  readonly heapBytes: number;
  readonly loopDelay: LoopDelay | null;
  /** Baseline's median time divided by this body's: 2 is twice as fast. */
  readonly ratio: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Outcome of one benchmark. In a smoke run `measurements` is empty. */
export interface BenchmarkReport {
  readonly benchmark: string;
  readonly unit: string;
  readonly unitsPerCall: number;
  readonly baseline: string;
  readonly measurements: readonly Measurement[];
}

/** Calls shorter than this are timed several at a time, since reading the clock costs as much as they do. */
const SHORTEST_SAMPLE_MS = 0.02;
const ROUNDS = 8;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Holds a body's last result, so that the compiler cannot drop the work. */
const sink: { last: unknown } = { last: undefined };

interface Samples {
  readonly body: BenchmarkBody;
  /** Milliseconds a call, one entry a sample. */
  readonly perCallMs: number[];
  callsPerSample: number;
  calls: number;
  busyMs: number;
  cpuUs: number;
  readonly isAsync: boolean;
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const callOnce = async (body: BenchmarkBody): Promise<{ isAsync: boolean; tookMs: number }> => {
  body.reset?.();
  const startMs = performance.now();
  const result = body.run();
  const isAsync = result instanceof Promise;
  sink.last = isAsync ? await result : result;
  return { isAsync, tookMs: performance.now() - startMs };
};

/** Takes samples for `budgetMs`, at least one. */
const sample = async (samples: Samples, budgetMs: number): Promise<void> => {
  const { body, callsPerSample, isAsync, perCallMs } = samples;
  const endMs = performance.now() + budgetMs;
  const cpuBefore = process.cpuUsage();
  do {
    body.reset?.();
    const startMs = performance.now();
    if (isAsync) sink.last = await body.run();
    else for (let call = 0; call < callsPerSample; call += 1) sink.last = body.run();
    const tookMs = performance.now() - startMs;
    perCallMs.push(tookMs / callsPerSample);
    samples.calls += callsPerSample;
    samples.busyMs += tookMs;
  } while (performance.now() < endMs);
  const cpu = process.cpuUsage(cpuBefore);
  samples.cpuUs += cpu.user + cpu.system;
};

/** Bytes allocated a call: growth of the heap with what each collection freed added back. */
const measureHeap = async (samples: Samples): Promise<number> => {
  const calls = Math.max(1, Math.min(1000, Math.floor(samples.calls / 4)));
  collectGarbage();
  const profiler = new GCProfiler();
  profiler.start();
  let lastBytes = process.memoryUsage().heapUsed;
  for (let call = 0; call < calls; call += 1) {
    samples.body.reset?.();
    const result = samples.body.run();
    sink.last = samples.isAsync ? await result : result;
  }
  const endBytes = process.memoryUsage().heapUsed;
  let allocatedBytes = 0;
  for (const collection of profiler.stop()?.statistics ?? []) {
    allocatedBytes += collection.beforeGC.heapStatistics.usedHeapSize - lastBytes;
    lastBytes = collection.afterGC.heapStatistics.usedHeapSize;
  }
  return Math.max(0, (allocatedBytes + endBytes - lastBytes) / calls);
};

const warmUp = async (body: BenchmarkBody, budgetMs: number): Promise<Samples> => {
  const first = await callOnce(body);
  const samples: Samples = {
    body,
    perCallMs: [],
    callsPerSample: 1,
    calls: 0,
    busyMs: 0,
    cpuUs: 0,
    isAsync: first.isAsync,
  };
  await sample(samples, budgetMs);
  const typicalMs = quantile(
    [...samples.perCallMs].sort((a, b) => a - b),
    0.5,
  );
  const isBatchable = !first.isAsync && body.reset === undefined;
  const callsPerSample = isBatchable ? Math.max(1, Math.ceil(SHORTEST_SAMPLE_MS / Math.max(typicalMs, 1e-6))) : 1;
  return { ...samples, perCallMs: [], callsPerSample, calls: 0, busyMs: 0, cpuUs: 0 };
};

/**
 * Runs one benchmark: bodies in turn, `secondsPerBody` each after a warm-up of a quarter of that. In a smoke run every
 * body runs exactly once and nothing is measured.
 */
export const runBenchmark = async (
  benchmark: Benchmark,
  options: { readonly isSmoke: boolean; readonly secondsPerBody: number },
): Promise<BenchmarkReport> => {
  const { baseline, bodies, dispose } = await benchmark.setup({ isSmoke: options.isSmoke });
  const { name, unit, unitsPerCall } = benchmark;
  const measurements: Measurement[] = [];
  try {
    if (!bodies.some((body) => body.name === baseline)) throw new Error(`${name}: no body is named ${baseline}`);
    if (options.isSmoke) {
      for (const body of bodies) await callOnce(body);
      return { benchmark: name, unit, unitsPerCall, baseline, measurements };
    }
    const budgetMs = options.secondsPerBody * 1000;
    const all: Samples[] = [];
    for (const body of bodies) all.push(await warmUp(body, budgetMs / 4));
    const delays = all.map(({ isAsync }) => (isAsync ? monitorEventLoopDelay({ resolution: 1 }) : null));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [position, samples] of all.entries()) {
        collectGarbage();
        delays[position]?.enable();
        await sample(samples, budgetMs / ROUNDS);
        delays[position]?.disable();
      }
    }
    const sortedOf = all.map(({ perCallMs }) => perCallMs.sort((a, b) => a - b));
    const baselineMs = quantile(sortedOf[bodies.findIndex((body) => body.name === baseline)] ?? [], 0.5);
    for (const [position, samples] of all.entries()) {
      const sorted = sortedOf[position] ?? [];
      const delay = delays[position] ?? null;
      const p50Ms = quantile(sorted, 0.5);
      measurements.push({
        body: samples.body.name,
        calls: samples.calls,
        unitsPerSecond: (samples.calls * unitsPerCall * 1000) / samples.busyMs,
        p50Us: p50Ms * 1000,
        p99Us: quantile(sorted, 0.99) * 1000,
        cpuUs: samples.cpuUs / samples.calls,
        heapBytes: await measureHeap(samples),
        loopDelay: delay === null ? null : { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 },
        ratio: baselineMs / p50Ms,
        figures: samples.body.figures?.() ?? {},
      });
    }
    return { benchmark: name, unit, unitsPerCall, baseline, measurements };
  } finally {
    sink.last = undefined;
    await dispose?.();
  }
};
