import type { Clock, Endpoint, Logger, MetricLabels, Metrics, Random, Trust } from '../../core/index.ts';
import type { EngineAdapter } from '../engines/adapter.ts';
import { decodeLiveFrame, type LiveFrame } from '../frames.ts';
import type { ReplayGate } from '../replay-gate.ts';
import type { TurnQueue } from '../turn-queue.ts';
import { Adoption } from './adoption.ts';
import type { BatchApplier } from './batch-applier.ts';
import { Freshness } from './freshness.ts';
import { StreamJournal } from './journal.ts';
import type { LossLedger } from './loss-ledger.ts';
import { RebuildPolicy } from './rebuild-policy.ts';
import { Recovery, type ReplayOutcome, type ReplayPurpose } from './recovery.ts';
import type { ReplayPort } from './replay-run.ts';
import { Sequencer } from './sequencer.ts';
import type { AdoptionOutcome, StreamPosition, WarmState } from './stream-position.ts';
import type { StreamReport } from './stream-report.ts';
import { Timers } from './timers.ts';
import type { StreamTiming } from './timing.ts';
import { type TrustView, trustNumbers, trustOf } from './trust.ts';

/** A restart noticed by the stream itself makes a notice of it from elsewhere superfluous for this long. */
const restartEchoMs = 10_000;

/** What an {@link EventStream} works with; it opens no socket itself. */
export interface EventStreamOptions {
  readonly endpoint: Endpoint;
  readonly adapter: EngineAdapter;
  readonly applier: BatchApplier;
  readonly ledger: LossLedger;
  /** Null where the engine has no replay endpoint. */
  readonly replay: ReplayPort | null;
  readonly gate: ReplayGate;
  readonly turns: TurnQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Labels of the endpoint. */
  readonly labels: MetricLabels;
  readonly timing: StreamTiming;
  /** Whether batches missing at the beginning wait for `release` instead of being given up where no replay brings them. */
  readonly isHeld?: boolean;
  /** Told after each batch that was applied or given up. */
  readonly onProgress: (lastSequence: number) => void;
  /** Told after each change of state or trust. */
  readonly onChanged: () => void;
}

/**
 * One endpoint's event stream: decides of each frame whether it is applied, waits, is dropped, or shows that something is
 * missing, and what is done then. All input comes through its methods and all time through the clock; it knows no socket.
 *
 * The engine counts batches and keeps the newest for replay; nothing on the wire names its process. Hence the rules: a batch
 * is applied only when its number is the next one; whatever lies between is fetched by replay while live batches wait; each
 * replay begins with the last batch applied, so that other bytes under the same number give a restart away.
 */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #journal: StreamJournal;
  readonly #timers: Timers<'stale' | 'silent' | 'check' | 'cooldown'>;
  readonly #sequencer: Sequencer;
  readonly #recovery: Recovery;
  readonly #freshness: Freshness;
  readonly #adoption: Adoption;
  readonly #rebuilds = new RebuildPolicy();
  #isProofDue = false;
  #isSettled = false;
  #isHeld: boolean;
  #restartedAtMs = Number.NEGATIVE_INFINITY;
  #trust: Trust = 'fallback';

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#journal = new StreamJournal({ ...options, onEntered: () => this.#noteChange() });
    this.#timers = new Timers(options.clock);
    this.#freshness = new Freshness(options.clock, options.timing);
    this.#sequencer = new Sequencer({
      ...options,
      journal: this.#journal,
      onProgress: (lastSequence) => {
        options.onProgress(lastSequence);
        this.#noteTrust();
      },
      onDrained: () => this.#settle(),
    });
    this.#recovery = new Recovery(options.replay, {
      ...options,
      sequencer: this.#sequencer,
      journal: this.#journal,
      onRestart: (reason) => this.#takeRestart(reason),
      onOver: (outcome, purpose) => this.#afterReplay(outcome, purpose),
    });
    this.#isHeld = options.isHeld ?? false;
    this.#adoption = new Adoption({
      ...options,
      sequencer: this.#sequencer,
      recovery: this.#recovery,
      journal: this.#journal,
      onLoaded: () => this.#goOn(),
      onEmptied: () => this.#refetch(),
    });
    options.metrics.gauge('endpoint_trust', trustNumbers[this.#trust], options.labels);
    this.#armStale();
  }

  /** Whether the first replay is done or given up, or there is none to wait for. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Number of the last batch dealt with, null before the first. */
  get lastSequence(): number | null {
    return this.#sequencer.last;
  }

  /** The publisher answered: for the first time, or again. */
  connected(): void {
    if (this.#isClosed || this.#isConnected) return;
    this.#timers.cancel('stale');
    if (!this.#timers.isArmed('check')) this.#armCheck();
    this.#recovery.endCooldown();
    if (this.#recovery.isPossible) {
      this.#recovery.begin(this.#sequencer.last === null ? 'join' : 'rejoin');
    } else {
      this.#isSettled = true;
      if (this.#sequencer.last !== null) this.#freshness.noteDoubt();
      this.#journal.enter({ kind: 'live' }, 'connected');
      this.#settle();
    }
  }

  /** The connection is gone; the socket dials again by itself. */
  disconnected(): void {
    if (!this.#isConnected) return;
    this.#adoption.cancel();
    this.#recovery.cancel();
    this.#sequencer.forgetWaiting();
    this.#journal.enter({ kind: 'connecting' }, 'disconnected');
    this.#armStale();
  }

  /** A live message came. Never throws for what it holds. */
  receive(frames: readonly Uint8Array[]): void {
    let frame: LiveFrame;
    try {
      frame = decodeLiveFrame(frames);
    } catch {
      this.#journal.count('malformed');
      return;
    }
    this.accept(frame);
  }

  /** As `receive`, of a message that is taken apart already. */
  accept(frame: LiveFrame): void {
    if (this.#isClosed) return;
    if (!this.#isConnected) this.connected();
    this.#freshness.noteFrame();
    const verdict = this.#sequencer.judge(frame);
    if (verdict === 'duplicate' || verdict === 'late' || verdict === 'unreadable') {
      this.#journal.count(verdict === 'unreadable' ? 'malformed' : 'duplicates');
      // An old number that cannot be read may be a restarted engine's.
      if (verdict === 'unreadable') this.verify();
      return;
    }
    if (verdict === 'restart') this.#forgetProcess('sequence-went-back');
    const isBeginning = this.#sequencer.last === null;
    this.#sequencer.takeLive(frame);
    // Live from the start on: a replay that was to fetch what came before has nothing to bring.
    if (isBeginning && this.#sequencer.last !== null) {
      this.#recovery.cancel();
      this.#isSettled = true;
    }
    this.#settle();
    if ((this.#sequencer.last ?? -1) >= frame.sequence) this.#freshness.noteInOrder();
    this.#noteTrust();
  }

  /**
   * Another process answers at the endpoint's address, as seen elsewhere. Ignored where the stream noticed the same restart
   * itself: by the process's start where that is known (Unix seconds), else when it was less than 10 s ago.
   */
  restarted(notice: { readonly reason: string; readonly startedAtSeconds?: number }): void {
    if (this.#isClosed) return;
    const { firstTimestamp } = this.#sequencer;
    const isKnown =
      notice.startedAtSeconds === undefined
        ? this.#options.clock.now() - this.#restartedAtMs < restartEchoMs
        : firstTimestamp !== null && firstTimestamp >= notice.startedAtSeconds;
    if (!isKnown) this.#takeRestart(notice.reason);
  }

  /** The engine emptied its cache, as seen elsewhere before it tells: sleep, or a reset that passed through the proxy. */
  cleared(reason: string): void {
    if (this.#isClosed) return;
    this.#options.logger.info('endpoint emptied its cache', { reason });
    const wasLoading = this.#adoption.isLoading;
    this.#adoption.cancel();
    this.#options.applier.clear();
    if (wasLoading) this.#refetch();
  }

  /** Where the stream stands right now; null where nothing is known that could be of use to another process. */
  position(): StreamPosition | null {
    return this.#sequencer.position();
  }

  /**
   * Takes on content of elsewhere in place of what is known here, if less is missing from it and it is proven to be of the
   * engine's process. Then goes on behind its position: by replay, or with the live batches that wait. Rejects where the
   * content cannot be loaded.
   */
  async adopt(warm: WarmState): Promise<AdoptionOutcome> {
    const outcome = await this.#adoption.adopt(warm);
    this.#options.logger.info('content of elsewhere', { outcome, sequence: warm.position.last });
    return outcome;
  }

  /** No content of elsewhere is to be expected any more: what is missing is given up as usual. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#isConnected) this.#settle();
    this.#noteTrust();
  }

  /**
   * The engine answered a request that must have stored at least one block. Where no event came shortly before nor follows
   * in time, the stream proves by replay that it is up to date, else it is stale.
   */
  servedTraffic(): void {
    if (this.#journal.state.kind !== 'live' || this.#timers.isArmed('silent')) return;
    const { clock, timing } = this.#options;
    const shortlyBeforeMs = clock.now() - 2 * timing.staleAfterMs;
    this.#timers.arm('silent', timing.staleAfterMs, () => {
      if (this.#freshness.hasFrameSince(shortlyBeforeMs) || this.#journal.state.kind !== 'live') return;
      this.verify();
      if (this.#recovery.isRunning) this.#isProofDue = true;
      else this.#enterSilent();
    });
  }

  /** Asks the engine whether anything was missed, unless a replay runs or none is possible. */
  verify(): void {
    if (this.#recovery.isRunning || !this.#recovery.isPossible) return;
    if (this.#journal.state.kind === 'live' || this.#isSilent) this.#recovery.begin('check');
  }

  /** Makes a replay endpoint known that was not at the start. */
  useReplay(replay: ReplayPort): void {
    this.#recovery.usePort(replay);
    this.#rebuilds.hope();
    if (this.#isConnected && !this.#adoption.isLoading) this.#recover();
  }

  /** Ends the stream; nothing is told or applied afterwards. */
  close(why: 'not-configured' | 'unfollowed'): void {
    if (this.#isClosed) return;
    this.#adoption.cancel();
    this.#recovery.cancel();
    this.#timers.cancelAll();
    this.#sequencer.forgetWaiting();
    this.#isSettled = true;
    this.#journal.enter({ kind: 'closed', why }, why);
  }

  /** How far the endpoint's part of the index can be relied on right now. */
  trust(): TrustView {
    const { ledger, timing } = this.#options;
    const journal = this.#journal;
    const { state } = journal;
    return trustOf({
      state,
      isAnchored: ledger.isAnchored,
      appliedBatches: ledger.appliedBatches,
      lostBatches: ledger.lostBatches,
      pendingBatches: Math.max(this.#sequencer.pendingBatches, this.#freshness.isTailUnknown ? 1 : 0),
      orphanShare: ledger.orphanShare,
      disconnectedShare: state.kind === 'connecting' ? Math.min(1, journal.ageMs / timing.staleAfterMs) : 0,
    });
  }

  report(): StreamReport {
    const { ledger } = this.#options;
    const { counts, state, ageMs, transitions } = this.#journal;
    return {
      state: state.kind,
      stateAgeMs: ageMs,
      ...this.trust(),
      lastSequence: this.#sequencer.last,
      eventLagMs: this.#sequencer.eventLagMs,
      batchesApplied: ledger.appliedBatches,
      batchesLost: ledger.lostBatches,
      orphanedBlocks: ledger.orphanedBlocks,
      queuedBatches: this.#sequencer.queuedBatches,
      gaps: counts.gaps,
      malformedFrames: counts.malformed,
      duplicateFrames: counts.duplicates,
      restarts: counts.restarts,
      replays: this.#recovery.replays,
      transitions,
    };
  }

  get #isClosed(): boolean {
    return this.#journal.state.kind === 'closed';
  }

  get #isConnected(): boolean {
    const { kind } = this.#journal.state;
    return kind === 'live' || kind === 'gap' || kind === 'replaying';
  }

  get #isSilent(): boolean {
    const { state } = this.#journal;
    return state.kind === 'stale' && state.why === 'silent';
  }

  /** Looks from time to time whether a check is due. */
  #armCheck(): void {
    this.#timers.arm('check', this.#options.timing.quietCheckMs, () => {
      if (this.#freshness.isCheckDue) this.verify();
      this.#armCheck();
    });
  }

  #armStale(): void {
    this.#timers.arm('stale', this.#options.timing.staleAfterMs, () => {
      this.#isSettled = true;
      this.#journal.enter({ kind: 'stale', why: 'not-connected' }, 'not-connected');
    });
  }

  #noteChange(): void {
    this.#noteTrust();
    this.#options.onChanged();
  }

  /** Logs and exports trust where it changed. */
  #noteTrust(): void {
    const { trust, reason } = this.trust();
    if (trust === this.#trust) return;
    const { logger, metrics, labels } = this.#options;
    logger.info('trust changed', { from: this.#trust, to: trust, reason });
    metrics.gauge('endpoint_trust', trustNumbers[trust], labels);
    this.#trust = trust;
    this.#options.onChanged();
  }

  #enterSilent(): void {
    this.#journal.enter({ kind: 'stale', why: 'silent' }, 'no-events-despite-traffic');
  }

  #recover(): void {
    this.#recovery.begin(this.#sequencer.last === null ? 'join' : 'catch-up');
  }

  /** Sees to what comes behind content that was taken on. */
  #goOn(): void {
    if (this.#recovery.isPossible) {
      this.#recovery.begin('resume');
      return;
    }
    if (!this.#sequencer.hasNext) this.#freshness.noteDoubt();
    this.#settle();
    this.#noteTrust();
  }

  /** Begins anew with an empty part of the index, of the same process. */
  #refetch(): void {
    if (this.#recovery.isPossible) this.#recovery.begin('join');
    else this.#settle();
    this.#noteTrust();
  }

  #forgetProcess(reason: string): void {
    this.#adoption.cancel();
    this.#recovery.cancel();
    this.#recovery.endCooldown();
    this.#sequencer.forgetProcess();
    this.#rebuilds.forget();
    this.#freshness.noteInOrder();
    this.#restartedAtMs = this.#options.clock.now();
    this.#journal.count('restarts');
    this.#options.logger.info('engine restarted', { reason });
  }

  #takeRestart(reason: string): void {
    this.#forgetProcess(reason);
    if (!this.#isConnected) return;
    if (this.#recovery.isPossible) this.#recovery.begin('join');
    else this.#settle();
  }

  /** Applies what is in order, then sees to what is missing. */
  #settle(): void {
    this.#sequencer.drain();
    if (!this.#isConnected || this.#adoption.isLoading) return;
    while (this.#sequencer.isMissing) {
      if (this.#recovery.isRunning) {
        this.#recovery.promoteCheck();
        return;
      }
      if (this.#sequencer.last !== null) this.#journal.count('gaps');
      if (this.#recovery.isPossible) {
        this.#recover();
        return;
      }
      if (this.#isHeld && this.#sequencer.last === null) break;
      if (this.#recovery.hasPort) this.#rebuilds.hope();
      this.#sequencer.writeOffMissing();
      this.#sequencer.drain();
    }
    if (this.#recovery.isRunning) return;
    this.#journal.enter({ kind: 'live' }, 'up-to-date');
    if (this.#sequencer.isStartDue && this.#recovery.isPossible) this.#recovery.begin('start');
  }

  #afterReplay(outcome: ReplayOutcome, purpose: ReplayPurpose): void {
    const isProofMissing = this.#isProofDue && outcome === 'gave-up';
    this.#isSettled = true;
    this.#isProofDue = false;
    this.#rebuilds.noteOutcome(outcome, purpose);
    if (outcome !== 'complete') {
      if (purpose !== 'check' && purpose !== 'start') this.#freshness.noteDoubt();
      this.#timers.arm('cooldown', this.#recovery.cooldownMs, () => this.#rebuild());
    } else if (purpose !== 'start') {
      this.#freshness.noteProof();
      if (this.#isSilent) this.#journal.enter({ kind: 'live' }, 'proven-by-replay');
    }
    if (isProofMissing) this.#enterSilent();
    this.#settle();
    this.#noteTrust();
    if (outcome === 'complete') this.#rebuild();
  }

  /** Asks again for what was written off, once replays may answer again after one had failed. */
  #rebuild(): void {
    const { isAnchored, lostBatches } = this.#options.ledger;
    const { isTailUnknown } = this.#freshness;
    const purpose = this.#rebuilds.purposeFor({ last: this.#sequencer.last, isAnchored, lostBatches, isTailUnknown });
    if (purpose === null || this.#journal.state.kind !== 'live') return;
    if (this.#recovery.isPossible && !this.#recovery.isRunning) this.#recovery.begin(purpose);
  }
}
