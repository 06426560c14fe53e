import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/index.ts';
import { type Clock, type Logger, type Metrics, SidecarError } from '../../core/index.ts';
import type { TurnQueue } from '../../events/index.ts';
import type { ReadinessCondition } from '../../gateway/index.ts';
import { type KeySeed, processKeySeed } from '../../kvindex/index.ts';
import type { PoolRuntime } from '../pool-runtime.ts';
import { createDumpKeeper } from './dump-keeper.ts';
import { createDumpWriter, type DumpWriter } from './dump-writer.ts';
import { createSourceFinder } from './warm-source.ts';
import { createWarmStart } from './warm-start.ts';
import { createWarmTarget, dumpSourcesOf } from './warm-target.ts';

/** What an app keeps over its own end, for its next start and for its peers'. */
export interface Warmth {
  /** Takes on the key seed of peers or file; indexes are to be created after it. Never rejects. */
  prepare(): Promise<void>;
  keySeed(): KeySeed;
  /** Whether streams may wait for content. */
  isPending(): boolean;
  /** Begins to fill what the engines' replay leaves open, and then to keep the file. */
  begin(): void;
  condition(): ReadinessCondition;
  readonly dump: DumpWriter['dump'];
  /** Writes the file a last time. */
  stop(): Promise<void>;
}

/** Builds all parts of warm starts. Opens nothing. */
export const createWarmth = (
  { fileIntervalMs, timeoutMs, ...config }: Config['warmStart'],
  options: {
    readonly runtimes: () => readonly PoolRuntime[];
    readonly turns: TurnQueue;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly metrics: Metrics;
    readonly signal: AbortSignal;
  },
): Warmth => {
  const { runtimes, turns, clock, logger } = options;
  const instance = randomUUID();
  const findSources = createSourceFinder(config);
  const start = createWarmStart({ ...options, findSources, timeoutMs, instance, target: createWarmTarget(runtimes) });
  const writer = createDumpWriter({
    sources: () => dumpSourcesOf(runtimes()),
    keySeed: () => start.keySeed,
    instance,
    turns,
    clock,
  });
  const keeper = createDumpKeeper({ file: config.file, intervalMs: fileIntervalMs, writer, clock, logger });
  return {
    prepare: start.prepare,
    keySeed: () => start.keySeed ?? processKeySeed,
    isPending: () => start.isPending,
    // Only what is filled as far as possible may take the place of the file.
    begin: () => {
      start.run().then(keeper.start, (failure: unknown) => {
        logger.error('warm start failed', {
          code: SidecarError.from(failure, 'internal').code,
          reason: String(failure),
        });
      });
    },
    condition: start.condition,
    dump: writer.dump,
    stop: keeper.stop,
  };
};
