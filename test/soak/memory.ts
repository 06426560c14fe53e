import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Memory of this process right after a full collection. */
export interface MemorySample {
  readonly atMs: number;
  /** JavaScript heap in use and what it holds outside of itself (typed arrays, buffers). */
  readonly usedBytes: number;
  readonly residentBytes: number;
}

/** Collects garbage, then reads what is left. Stops the world for tens of milliseconds. */
export const sampleMemory = (): MemorySample => {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { atMs: performance.now(), usedBytes: heapUsed + external, residentBytes: rss };
};

/** Whole megabytes, for people. */
export const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
