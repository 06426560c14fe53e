import { type Clock, delay, type Logger, type Metrics, SidecarError } from '../../core/index.ts';
import type { AdoptionOutcome, DumpedEndpoint } from '../../events/index.ts';
import type { ReadinessCondition } from '../../gateway/index.ts';
import { type KeySeed, processKeySeed } from '../../kvindex/index.ts';
import { findPeers, PEER_HEAD_TIMEOUT_MS } from './peers.ts';
import { fileSource, peerSource, type ReadOptions, type WarmSource } from './warm-source.ts';

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
  adopt(dumped: DumpedEndpoint): Promise<WarmOutcome>;
  /** Nothing of elsewhere is awaited any more. */
  release(): void;
}

/** How a warm start is set up; see `warmStart` in the configuration. */
export interface WarmStartOptions {
  readonly peers: readonly string[];
  readonly peerService: string | null;
  readonly file: string | null;
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

/** Creates a warm start; does nothing, and is done at once, where neither peers nor a file are configured. */
export const createWarmStart = (options: WarmStartOptions): WarmStart => {
  const { peers, peerService, file, timeoutMs, target, instance, clock, metrics } = options;
  const logger = options.logger.child({ room: 'warm-start' });
  const isConfigured = peers.length > 0 || peerService !== null || file !== null;
  const ending = new AbortController();
  const notes = new Map<string, string>();
  let keySeed: KeySeed | null = isConfigured ? null : processKeySeed;
  let isPending = isConfigured;
  let isOverdue = false;

  const seedHere = (): KeySeed => keySeed ?? processKeySeed;

  const end = (): void => {
    if (!isPending) return;
    isPending = false;
    ending.abort();
    target.release();
  };
  options.signal.addEventListener('abort', end, { once: true });

  const noteFailure = ({ kind, name }: Pick<WarmSource, 'kind' | 'name'>, failure: unknown): void => {
    const { code, message } = SidecarError.from(failure, 'unavailable');
    const outcome = code === 'unavailable' ? 'unreachable' : 'unusable';
    notes.set(name, outcome);
    metrics.count('warm_starts_total', { source: kind, outcome });
    logger.warn('warm start goes on without a source', { source: kind, name, outcome, reason: message });
  };

  const sources = async (): Promise<readonly WarmSource[]> => {
    let urls: readonly string[] = [];
    try {
      urls = await findPeers({ peers, peerService });
    } catch (failure) {
      noteFailure({ kind: 'peer', name: peerService ?? 'peers' }, failure);
    }
    const files = file === null ? [] : [fileSource(file, seedHere)];
    return [...urls.map((url) => peerSource(url, seedHere)), ...files];
  };

  const seedOf = async (source: WarmSource): Promise<KeySeed | null> => {
    const aborting = new AbortController();
    const cancel = clock.schedule(PEER_HEAD_TIMEOUT_MS, () => aborting.abort());
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

  const takeFrom = async (source: WarmSource, wanted: ReadonlySet<string>): Promise<void> => {
    const read: ReadOptions = { instance, signal: ending.signal };
    const counts = new Map<WarmOutcome, number>();
    try {
      for await (const dumped of source.read([...wanted], read)) {
        if (ending.signal.aborted) break;
        if (!wanted.has(dumped.id)) continue;
        const outcome = await target.adopt(dumped);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        metrics.count('warm_starts_total', { source: source.kind, outcome });
        await untilIdle(dumped.id);
      }
    } catch (failure) {
      if (!ending.signal.aborted) noteFailure(source, failure);
    }
    if (counts.size === 0) return;
    const told = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    notes.set(source.name, told);
    logger.info('warm start from a source', { source: source.kind, name: source.name, endpoints: told });
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
    return [states, ...[...notes].map(([name, told]) => `${name}: ${told}`)].join('; ');
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
      clock.schedule(timeoutMs, () => {
        isOverdue = isPending;
        end();
      });
      const seeds = await Promise.all((await sources()).map(seedOf));
      keySeed = seeds.find((seed) => seed !== null) ?? processKeySeed;
    },
    run: async () => {
      const tried = new Set<string>();
      while (isPending) {
        const fresh = idsThatAre('lacking').filter((id) => !tried.has(id));
        for (const id of fresh) tried.add(id);
        if (fresh.length > 0) await fill(fresh);
        else if (idsThatAre('waiting').length === 0) end();
        else await delay(clock, POLL_MS);
      }
      if (isConfigured) logger.info('warm start is over', { detail: detail() });
    },
    condition: () => ({ name: 'warm-start', isMet: !isPending, detail: detail() }),
  };
};
