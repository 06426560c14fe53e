import { type Clock, delay, type Logger, type Metrics, SidecarError } from '../../core/index.ts';
import type { AdoptionOutcome, DumpedEndpoint } from '../../events/index.ts';
import type { ReadinessCondition } from '../../gateway/index.ts';
import { type KeySeed, processKeySeed } from '../../kvindex/index.ts';
import type { ReadOptions, WarmSource } from './warm-source.ts';

/** What a warm start does with content that is no stream's business. */
export type WarmOutcome = AdoptionOutcome | 'unknown-endpoint';

/**
 * Where an endpoint stands at the start. `waiting`: its first replay runs, or it is not connected yet. `complete`: nothing is
 * missing. `lacking`: something is, and its engine answers. `away`: no events come.
 */
export type Warmth = 'waiting' | 'complete' | 'lacking' | 'away';

/** What a warm start fills: all endpoints of all pools. */
export interface WarmTarget {
  /** Every endpoint by id. */
  warmth(): ReadonlyMap<string, Warmth>;
  /** Endpoints that are found but not followed yet. */
  pending(): number;
  adopt(dumped: DumpedEndpoint): Promise<WarmOutcome>;
  /** Nothing of elsewhere is awaited any more. */
  release(): void;
}

/** What a warm start works with. */
export interface WarmStartOptions {
  /** Whoever may know of the endpoints right now, in the order of asking; null: nobody ever does. */
  readonly findSources: ((keySeed: () => KeySeed) => Promise<readonly WarmSource[]>) | null;
  /** Longest time that `run` may take. */
  readonly timeoutMs: number;
  readonly target: WarmTarget;
  readonly instance: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/** Brings back what was known before this process started: from the engines' replay, then from peers, then from a file. */
export interface WarmStart {
  /** Seed for the block keys of every index; null before `prepare` is done. */
  readonly keySeed: KeySeed | null;
  /** Whether endpoints that are followed from now on may wait for content. */
  readonly isPending: boolean;
  /** Takes on the key seed of peers or file, for keys of different seeds do not fit together. About 1 s at most. Never rejects. */
  prepare(): Promise<void>;
  /** Fills what the engines' replay leaves open. Done when everything is tried, at the latest after the time-out. */
  run(): Promise<void>;
  condition(): ReadinessCondition;
}

const POLL_MS = 20;
/** Longest time that a source may take to tell its key seed. */
const SEED_TIMEOUT_MS = 1000;

/** Creates a warm start. */
export const createWarmStart = (options: WarmStartOptions): WarmStart => {
  const { findSources, timeoutMs, target, instance, clock, metrics } = options;
  const logger = options.logger.child({ room: 'warm-start' });
  const isConfigured = findSources !== null;
  const ending = new AbortController();
  const tallies = new Map<string, Map<string, number>>();
  let keySeed: KeySeed | null = isConfigured ? null : processKeySeed;
  let isPending = isConfigured;
  let isOverdue = false;

  const end = (): void => {
    if (!isPending) return;
    isPending = false;
    ending.abort();
    target.release();
  };
  options.signal.addEventListener('abort', end, { once: true });

  const tally = ({ kind, name }: WarmSource, outcome: string): void => {
    const counts = tallies.get(name) ?? new Map<string, number>();
    tallies.set(name, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
    metrics.count('warm_starts_total', { source: kind, outcome });
  };

  const noteFailure = (source: WarmSource, failure: unknown): void => {
    const { code, message } = SidecarError.from(failure, 'unavailable');
    const outcome = code === 'unavailable' ? 'unreachable' : 'unusable';
    tally(source, outcome);
    const { kind, name } = source;
    logger.warn('warm start goes on without a source', { source: kind, name, outcome, reason: message });
  };

  const sources = async (): Promise<readonly WarmSource[]> =>
    findSources === null ? [] : findSources(() => keySeed ?? processKeySeed);

  const seedOf = async (source: WarmSource): Promise<KeySeed | null> => {
    const aborting = new AbortController();
    const cancel = clock.schedule(SEED_TIMEOUT_MS, () => aborting.abort());
    try {
      return await source.keySeed({ instance, signal: aborting.signal });
    } catch (failure) {
      logger.debug('a source tells no key seed', {
        name: source.name,
        reason: SidecarError.from(failure, 'internal').message,
      });
      return null;
    } finally {
      cancel();
    }
  };

  const idsThatAre = (wanted: Warmth): readonly string[] =>
    [...target.warmth()].filter(([, warmth]) => warmth === wanted).map(([id]) => id);

  /** After content is taken on, the rest is replayed; only then what is still missing is known. */
  const untilIdle = async (id: string): Promise<void> => {
    while (target.warmth().get(id) === 'waiting' && !ending.signal.aborted) await delay(clock, POLL_MS);
  };

  const adopt = async (source: WarmSource, dumped: DumpedEndpoint): Promise<void> => {
    try {
      const outcome = await target.adopt(dumped);
      tally(source, outcome);
      logger.debug('looked at what a source knows', { endpoint: dumped.id, source: source.name, outcome });
    } catch (failure) {
      noteFailure(source, failure);
    }
  };

  const takeFrom = async (source: WarmSource, wanted: ReadonlySet<string>): Promise<void> => {
    const read: ReadOptions = { instance, signal: ending.signal };
    try {
      for await (const dumped of source.read([...wanted], read)) {
        if (ending.signal.aborted) break;
        if (!wanted.has(dumped.id)) continue;
        await adopt(source, dumped);
        await untilIdle(dumped.id);
      }
    } catch (failure) {
      if (!ending.signal.aborted) noteFailure(source, failure);
    }
  };

  /** Asks one source after the other for what is missing of these endpoints. */
  const fill = async (ids: readonly string[]): Promise<void> => {
    for (const source of await sources()) {
      const lacking = new Set(idsThatAre('lacking'));
      const wanted = new Set(ids.filter((id) => lacking.has(id)));
      if (wanted.size === 0 || ending.signal.aborted) return;
      await takeFrom(source, wanted);
    }
  };

  const summary = (): string => {
    const warmth = [...target.warmth().values()];
    const count = (wanted: Warmth): number => warmth.filter((each) => each === wanted).length;
    const states = `${count('complete')} complete, ${count('lacking')} lacking, ${count('away') + count('waiting')} away`;
    const told = [...tallies].map(
      ([name, counts]) => `${name}: ${[...counts].map(([outcome, times]) => `${times} ${outcome}`).join(', ')}`,
    );
    return [states, ...told].join('; ');
  };

  const detail = (): string => {
    if (!isConfigured) return 'not configured';
    if (isPending) return `waiting: ${summary()}`;
    return isOverdue ? `given up after ${timeoutMs} ms: ${summary()}` : summary();
  };

  return {
    get keySeed() {
      return keySeed;
    },
    get isPending() {
      return isPending;
    },
    prepare: async () => {
      if (!isConfigured) return;
      // Names may take long to be resolved where their server is away.
      const tooLate = delay(clock, SEED_TIMEOUT_MS).then((): readonly WarmSource[] => []);
      const found = await Promise.race([sources(), tooLate]);
      const seeds = await Promise.all(found.map(seedOf));
      keySeed = seeds.find((seed) => seed !== null) ?? processKeySeed;
    },
    run: async () => {
      const cancelLimit = clock.schedule(timeoutMs, () => {
        isOverdue = isPending;
        end();
      });
      const tried = new Set<string>();
      while (isPending) {
        const fresh = idsThatAre('lacking').filter((id) => !tried.has(id));
        for (const id of fresh) tried.add(id);
        if (fresh.length > 0) await fill(fresh);
        else if (idsThatAre('waiting').length === 0 && target.pending() === 0) end();
        else await delay(clock, POLL_MS);
      }
      cancelLimit();
      if (isConfigured) logger.info('warm start is over', { detail: detail() });
    },
    condition: () => ({ name: 'warm-start', isMet: !isPending, detail: detail() }),
  };
};
