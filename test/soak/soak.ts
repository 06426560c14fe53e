import { type MemorySample, megabytes } from './memory.ts';
import { growthOf } from './trend.ts';

/** One thing that is kept up for minutes. */
export interface Soak {
  /** Name on the command line. */
  readonly name: string;
  /** Runs for about so long and returns what did not hold, in words; empty where all did. */
  run(options: SoakOptions): Promise<readonly string[]>;
}

/** How a soak is run. */
export interface SoakOptions {
  readonly minutes: number;
  readonly print: (line: string) => void;
}

/** Times that memory is looked at, at most 30 s apart. */
export const sampleEveryMs = (minutes: number): number => Math.min(30_000, (minutes * 60_000) / 20);

/** What memory may grow by, from the first third of a soak to its end. */
export interface MemoryAllowance {
  readonly usedBytes: number;
  readonly residentBytes: number;
}

/** Prints how memory went and returns what grew beyond the allowance. */
export const judgeMemory = (
  samples: readonly MemorySample[],
  allowance: MemoryAllowance,
  print: SoakOptions['print'],
): readonly string[] => {
  const kinds = [
    ['in use after a collection', 'usedBytes'],
    ['resident', 'residentBytes'],
  ] as const;
  return kinds.flatMap(([what, key]) => {
    const values = samples.map((sample) => ({ atMs: sample.atMs, value: sample[key] }));
    const growth = growthOf(values);
    const line = `memory ${what}: ${megabytes(values.at(-1)?.value ?? 0)} MB, grows by ${(growth / 2 ** 20).toFixed(1)} MB over the last two thirds (allowed ${megabytes(allowance[key])} MB)`;
    print(line);
    return growth > allowance[key] ? [line] : [];
  });
};
