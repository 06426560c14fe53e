import type { StreamStatus } from '../../../sidecar/events/index.ts';

/** What a {@link FaultWatch} looks at: one engine and the sidecar's stream of it. */
export interface WatchedStream {
  /** Null while no sidecar follows the engine. */
  status(): StreamStatus | null;
  /** Number of the engine's last batch, null before the first. */
  lastSequence(): number | null;
  /** Blocks that only one of index and engine has. */
  differences(): readonly string[];
  now(): number;
}

/** One time between a fault and the index's being true again, in milliseconds. */
export interface Repair {
  /** From the first strike until the stream showed a sign of it. */
  readonly noticeMs: number;
  /** From the first strike until the index was true again. */
  readonly repairMs: number;
}

interface Episode {
  readonly struckAtMs: number;
  noticedAtMs: number | null;
  /** Signs at the last strike; more of them, or less than full trust, show that it was seen. */
  signsBefore: number;
  isLastStrikeSeen: boolean;
  /** Since when the stream claims to be true, with the last strike seen. */
  claimedAtMs: number | null;
}

const signsOf = ({ gaps, duplicateFrames, malformedFrames, restarts, batchesLost }: StreamStatus): number =>
  gaps + duplicateFrames + malformedFrames + restarts + batchesLost;

/**
 * Takes the time from a fault to its being noticed and to its being repaired. A repair counts only once the index was compared
 * with the engine at rest and found equal; it is dated from when the stream began to claim so.
 */
export class FaultWatch {
  readonly #watched: WatchedStream;
  #open: Episode | null = null;
  readonly #repairs: Repair[] = [];
  #falseClaims = 0;

  constructor(watched: WatchedStream) {
    this.#watched = watched;
  }

  /** Whether something was struck and is not known to be repaired. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  get repairs(): readonly Repair[] {
    return this.#repairs;
  }

  /** Time to notice of what is not repaired, null where nothing is open or it was not noticed. */
  get openNoticeMs(): number | null {
    if (this.#open === null || this.#open.noticedAtMs === null) return null;
    return this.#open.noticedAtMs - this.#open.struckAtMs;
  }

  /** Times at which the stream claimed to be exact and up to date after it had noticed the fault, and was not. */
  get falseClaims(): number {
    return this.#falseClaims;
  }

  /** A fault strikes now. */
  struck(): void {
    const status = this.#watched.status();
    const signsBefore = status === null ? 0 : signsOf(status);
    if (this.#open === null) {
      const struckAtMs = this.#watched.now();
      this.#open = { struckAtMs, noticedAtMs: null, signsBefore, isLastStrikeSeen: false, claimedAtMs: null };
      return;
    }
    this.#open.signsBefore = signsBefore;
    this.#open.isLastStrikeSeen = false;
    this.#open.claimedAtMs = null;
  }

  /** The sidecar that saw the faults so far is gone; the one in its place counts anew. */
  restartCounts(): void {
    if (this.#open !== null) this.#open.signsBefore = 0;
  }

  /** Looks at the stream; call it on each change. */
  look(): void {
    const open = this.#open;
    const status = this.#watched.status();
    if (open === null || status === null) return;
    const nowMs = this.#watched.now();
    open.isLastStrikeSeen ||= status.trust !== 'exact' || signsOf(status) > open.signsBefore;
    if (!open.isLastStrikeSeen) return;
    open.noticedAtMs ??= nowMs;
    if (status.state === 'live' && status.trust === 'exact') open.claimedAtMs ??= nowMs;
    else open.claimedAtMs = null;
  }

  /** Compares with the engine, which must be at rest, where the stream says that all is well. */
  compare(): void {
    this.look();
    const open = this.#open;
    const status = this.#watched.status();
    if (open === null || status === null) return;
    const isUpToDate = status.state === 'live' && status.lastSequence === this.#watched.lastSequence();
    if (!isUpToDate || status.trust !== 'exact') return;
    if (this.#watched.differences().length > 0) {
      if (open.isLastStrikeSeen) this.#falseClaims += 1;
      return;
    }
    const nowMs = this.#watched.now();
    const repairedAtMs = open.claimedAtMs ?? nowMs;
    this.#repairs.push({
      noticeMs: Math.min(open.noticedAtMs ?? nowMs, repairedAtMs) - open.struckAtMs,
      repairMs: repairedAtMs - open.struckAtMs,
    });
    this.#open = null;
  }
}
