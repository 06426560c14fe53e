import type { AuditSample, MissReason } from './audit-sample.ts';

/** Likely cause of predictions that miss again and again. */
export type DriftCause = 'tokenization' | 'block-size' | 'lost-events' | 'salt' | 'other-model';

/** Predictions of an endpoint that miss beyond what chance explains. */
export interface Drift {
  readonly cause: DriftCause;
  /** Part of the cached tokens, or of the requests, that predictions get wrong, 0 to 1. */
  readonly missingShare: number;
}

/** Newest samples judged together, and how many of them are asked whether all is well again. */
const windowSamples = 64;
const recoverySamples = 16;
/** Fewer samples, or fewer misses, say nothing. */
const fewestSamples = 12;
const fewestMisses = 4;
/** Share of predictions, and of their tokens, beyond which they drift. */
const beginShare = 0.25;
/** Share below which a drift is over; above 0, since an endpoint that evicts all the time misses now and then. */
const endShare = 0.1;
const maxAgeMs = 600_000;

interface TimedSample extends AuditSample {
  readonly atMs: number;
}

interface Verdict {
  readonly misses: number;
  /** Larger of the share of tokens that were wrong and the share of requests that were counted or cut otherwise. */
  readonly share: number;
}

const structural: ReadonlySet<MissReason | null> = new Set(['prompt-tokens', 'other-model', 'block-size']);

const judge = (samples: readonly AuditSample[]): Verdict => {
  let misses = 0;
  let structuralMisses = 0;
  let errorTokens = 0;
  let tokens = 0;
  for (const { predicted, actual, missReason } of samples) {
    tokens += Math.max(predicted, actual);
    errorTokens += Math.abs(predicted - actual);
    if (missReason !== null) misses += 1;
    if (structural.has(missReason)) structuralMisses += 1;
  }
  const tokenShare = tokens === 0 ? 0 : errorTokens / tokens;
  return { misses, share: Math.max(tokenShare, samples.length === 0 ? 0 : structuralMisses / samples.length) };
};

const isDrifting = (samples: readonly AuditSample[]): boolean => {
  if (samples.length < fewestSamples) return false;
  const { misses, share } = judge(samples);
  return misses >= Math.max(fewestMisses, beginShare * samples.length) && share >= beginShare;
};

const isRightAgain = (newest: readonly AuditSample[]): boolean => {
  if (newest.length < recoverySamples) return false;
  const { misses, share } = judge(newest);
  return misses < endShare * newest.length && share < endShare;
};

const causeOf = (samples: readonly AuditSample[]): DriftCause => {
  const misses = samples.filter(({ missReason }) => missReason !== null);
  const isMostly = (reason: MissReason): boolean =>
    2 * misses.filter(({ missReason }) => missReason === reason).length >= misses.length;
  if (isMostly('other-model')) return 'other-model';
  if (isMostly('prompt-tokens')) return 'tokenization';
  if (isMostly('block-size')) return 'block-size';
  return isMostly('salted') ? 'salt' : 'lost-events';
};

/**
 * The newest predictions of one endpoint and whether they drift. A single late event or eviction never makes a drift: it
 * takes a quarter of at least twelve predictions, and a quarter of their tokens. It ends once fewer than a tenth of the newest
 * sixteen miss, and of their tokens, or when what was seen is ten minutes old.
 */
export class AuditWindow {
  #samples: TimedSample[] = [];
  #drift: Drift | null = null;

  /** Takes a sample in; O(window). */
  add(sample: AuditSample, atMs: number): void {
    this.#forgetOld(atMs);
    this.#samples.push({ ...sample, atMs });
    if (this.#samples.length > windowSamples) this.#samples.shift();
    this.#judge();
  }

  drift(atMs: number): Drift | null {
    if (this.#drift !== null) this.#forgetOld(atMs);
    return this.#drift;
  }

  clear(): void {
    this.#samples = [];
    this.#drift = null;
  }

  #judge(): void {
    const samples = this.#samples;
    // Mostly nothing missed, and there is no drift to look for.
    if (this.#drift === null && judge(samples).misses < fewestMisses) return;
    if (this.#drift !== null) {
      const newest = samples.slice(-recoverySamples);
      if (isRightAgain(newest)) {
        this.#samples = newest;
        this.#drift = null;
        return;
      }
    }
    const salted = samples.filter(({ isSalted }) => isSalted);
    const drifting = isDrifting(samples) ? samples : isDrifting(salted) ? salted : null;
    // While it lasts it is measured anew.
    if (drifting === null && this.#drift === null) return;
    const { share } = judge(samples);
    this.#drift = { cause: causeOf(drifting ?? samples), missingShare: Math.min(1, share) };
  }

  #forgetOld(atMs: number): void {
    const first = this.#samples.findIndex((sample) => atMs - sample.atMs <= maxAgeMs);
    if (first === 0) return;
    this.#samples = first < 0 ? [] : this.#samples.slice(first);
    if (this.#samples.length < fewestSamples) this.#drift = null;
  }
}
