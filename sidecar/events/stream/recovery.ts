import type { Clock, Logger, Random } from '../../core/index.ts';
import type { ReplayGate } from '../replay-gate.ts';
import type { StreamJournal } from './journal.ts';
import type { LossLedger } from './loss-ledger.ts';
import { type ReplayPort, ReplayRun } from './replay-run.ts';
import type { NumberedBatch, Sequencer } from './sequencer.ts';
import type { StreamTiming } from './timing.ts';

/**
 * Why a replay runs. `join`: nothing is applied yet. `catch-up`: batches are missing, or the connection is new. `check`: a
 * live stream makes sure that it missed nothing. `rebuild`: an earlier replay failed; starts over if the engine still has
 * everything since its start. `resume`: content of elsewhere was taken on. `start`: only the lowest number that the engine has is of interest.
 */
export type ReplayPurpose = 'join' | 'rejoin' | 'catch-up' | 'check' | 'rebuild' | 'resume' | 'start';

/** Batches applied already that a check asks for again, to compare them. */
const comparedBatches = 8;

/** How a replay ended. `malformed`: with an end mark, but some of its frames could not be read. */
export type ReplayOutcome = 'complete' | 'malformed' | 'gave-up';

/** What {@link Recovery} works with and whom it tells. */
export interface RecoveryOptions {
  readonly sequencer: Sequencer;
  readonly journal: StreamJournal;
  readonly ledger: LossLedger;
  readonly gate: ReplayGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timing: StreamTiming;
  /** The replay showed that another process answers. */
  readonly onRestart: (reason: string) => void;
  /** A replay came to its end, whatever that was. */
  readonly onOver: (outcome: ReplayOutcome, purpose: ReplayPurpose) => void;
}

/**
 * Fetches what a stream misses from the engine's buffer, one replay at a time. A replay asks from the last batch applied
 * on, so that its first batch proves that the same process answers; what the buffer no longer holds is written off.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  #port: ReplayPort | null;
  #run: ReplayRun | null = null;
  #purpose: ReplayPurpose = 'join';
  /** What the replay was begun for; a rebuild that finds the start goes on as a join. */
  #begunFor: ReplayPurpose = 'join';
  #replays = 0;
  #hasSeenBatch = false;
  /** Whether any replay ever brought a batch, so that an empty one means something. */
  #isProven = false;
  #malformedInRun = 0;
  /** Number that a reply left out; left out again it counts as lost. */
  #holeAt = -1;
  #cooldownUntilMs = Number.NEGATIVE_INFINITY;

  constructor(port: ReplayPort | null, options: RecoveryOptions) {
    this.#port = port;
    this.#options = options;
  }

  /** Replays begun, tries included. */
  get replays(): number {
    return this.#replays;
  }

  get isRunning(): boolean {
    return this.#run !== null;
  }

  /** Whether there is a replay endpoint at all. */
  get hasPort(): boolean {
    return this.#port !== null;
  }

  /** Whether a replay may begin now. */
  get isPossible(): boolean {
    return this.#port !== null && this.#options.clock.now() >= this.#cooldownUntilMs;
  }

  /** Milliseconds until a replay may begin again. */
  get cooldownMs(): number {
    return Math.max(0, this.#cooldownUntilMs - this.#options.clock.now());
  }

  usePort(port: ReplayPort): void {
    this.#port = port;
    this.endCooldown();
  }

  /** The engine's side is new: earlier failures say nothing about it. */
  endCooldown(): void {
    this.#cooldownUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Begins a replay, in place of one that runs. Does nothing without a replay endpoint. */
  begin(purpose: ReplayPurpose): void {
    const { sequencer, gate, clock, random, timing } = this.#options;
    this.cancel();
    if (this.#port === null) return;
    this.#purpose = purpose;
    this.#begunFor = purpose;
    this.#hasSeenBatch = false;
    this.#malformedInRun = 0;
    this.#holeAt = -1;
    this.#run = new ReplayRun({
      port: this.#port,
      gate,
      clock,
      random,
      timing,
      from: () => this.#from(),
      onBegun: (from) => {
        this.#replays += 1;
        this.#enter({ kind: 'replaying', from });
      },
      onWaiting: () => this.#enterGap(),
      onBatch: (batch) => this.#take(batch, batch.isFirst),
      onEnd: () => this.#end(),
      onGaveUp: () => this.#giveUp(),
      onMalformed: () => {
        this.#malformedInRun += 1;
        this.#options.journal.count('malformed');
      },
    });
    if (sequencer.last !== null && sequencer.isMissing) this.#enterGap();
    this.#run.start();
  }

  /**
   * Asks for the first batch that the engine still has from `sequence` on: null where it answers none, or there is no
   * replay, or `cancel` was called.
   */
  askFor(sequence: number): { readonly batch: Promise<NumberedBatch | null>; readonly cancel: () => void } {
    const { gate, clock, random, timing } = this.#options;
    const answer = Promise.withResolvers<NumberedBatch | null>();
    const port = this.isPossible ? this.#port : null;
    if (port === null) return { batch: Promise.resolve(null), cancel: () => {} };
    const end = (batch: NumberedBatch | null): void => {
      run.cancel();
      answer.resolve(batch);
    };
    const run = new ReplayRun({
      port,
      gate,
      clock,
      random,
      timing: { ...timing, replayTries: 1 },
      from: () => sequence,
      onBegun: () => {},
      onWaiting: () => {},
      onBatch: (batch) => {
        end(batch);
        return true;
      },
      onEnd: () => end(null),
      onGaveUp: () => end(null),
      onMalformed: () => {},
    });
    run.start();
    return { batch: answer.promise, cancel: () => end(null) };
  }

  /** Batches turned out to be missing while a mere check runs: it becomes the catch-up. */
  promoteCheck(): void {
    if (this.#run === null || this.#purpose !== 'check') return;
    this.#purpose = 'catch-up';
    this.#begunFor = 'catch-up';
    this.#enterGap();
    this.#enter({ kind: 'replaying', from: this.#options.sequencer.next });
  }

  cancel(): void {
    if (this.#run === null) return;
    this.#run.cancel();
    this.#run = null;
    this.#options.sequencer.noteReplayOver();
    this.#options.journal.countReplay('cancelled');
  }

  #from(): number {
    const last = this.#options.sequencer.last ?? 0;
    if (this.#purpose === 'rebuild' || this.#purpose === 'start') return 0;
    return this.#purpose === 'check' ? Math.max(0, last + 1 - comparedBatches) : last;
  }

  /** Checks and attempts to rebuild leave the stream's state as it is. */
  #enter(state: Parameters<StreamJournal['enter']>[0]): void {
    const isSilent = this.#purpose === 'check' || this.#purpose === 'rebuild' || this.#purpose === 'start';
    if (!isSilent) this.#options.journal.enter(state, this.#purpose);
  }

  #enterGap(): void {
    const { next, highest } = this.#options.sequencer;
    this.#enter({ kind: 'gap', firstMissing: next, lastMissing: highest >= next ? highest : null });
  }

  /** Whether the batch was new. */
  #take(batch: NumberedBatch, isFirst: boolean): boolean {
    const { sequencer, onRestart } = this.#options;
    this.#hasSeenBatch = true;
    this.#isProven = true;
    if (this.#purpose === 'start') {
      sequencer.settleStart(batch.sequence);
      this.#end();
      return false;
    }
    if (this.#purpose === 'rebuild' && !this.#startOver(batch.sequence)) return false;
    if (sequencer.last !== null && batch.sequence <= sequencer.last) {
      if (sequencer.judge(batch) === 'restart') onRestart('other-batch-under-same-number');
      return false;
    }
    if (this.#purpose === 'rejoin' && isFirst && sequencer.last !== null) {
      onRestart('last-batch-not-in-buffer');
      return false;
    }
    if (batch.sequence !== sequencer.next) {
      if (sequencer.keepBehindQueued(batch)) return true;
      if (!this.#bridge(batch.sequence, isFirst)) return false;
    }
    if (!sequencer.takeReplayed(batch)) this.#malformedInRun += 1;
    return true;
  }

  /**
   * Numbers between the next one and `sequence` are not in the reply. At its beginning that means that the buffer no longer
   * holds them; later on, that the engine dropped some on the way, so they are asked for once more.
   */
  #bridge(sequence: number, isFirst: boolean): boolean {
    const { sequencer } = this.#options;
    if (isFirst && sequence === 1 && sequencer.last === null) {
      sequencer.beginAtOne();
      return true;
    }
    if (isFirst || this.#holeAt === sequencer.next) {
      sequencer.writeOffUpTo(sequence);
      return true;
    }
    this.#holeAt = sequencer.next;
    this.#run?.reopen();
    return false;
  }

  /** Turns a rebuild into a join if the engine's buffer reaches back to its start, else drops it. */
  #startOver(sequence: number): boolean {
    const { sequencer } = this.#options;
    if (sequence > 1) {
      this.#end();
      return false;
    }
    sequencer.startOver();
    this.#purpose = 'join';
    this.#enter({ kind: 'replaying', from: 0 });
    return true;
  }

  #end(): void {
    const { sequencer, journal, onRestart, onOver } = this.#options;
    const hasProgressed = this.#run?.hasProgressed ?? false;
    this.#run?.cancel();
    this.#run = null;
    sequencer.noteReplayOver();
    if (this.#malformedInRun > 0) this.#startCooldown();
    journal.countReplay(this.#malformedInRun > 0 ? 'malformed' : 'complete');
    if (sequencer.last === null) {
      if (sequencer.pendingBatches > 0) sequencer.writeOffMissing();
      else if (this.#isProven || !sequencer.hasEverApplied) sequencer.confirmEmpty();
    } else if (this.#purpose !== 'rebuild' && this.#purpose !== 'start') {
      if (sequencer.isMissing) {
        if (!hasProgressed) sequencer.writeOffMissing();
      } else if (!this.#hasSeenBatch && this.#mustAnswer) {
        onRestart('last-batch-unknown-to-engine');
        return;
      }
    }
    onOver(this.#malformedInRun > 0 ? 'malformed' : 'complete', this.#begunFor);
  }

  /** Whether a reply without any batch says that the engine's process is another one. */
  get #mustAnswer(): boolean {
    return this.#isProven || this.#purpose === 'rejoin' || this.#purpose === 'resume';
  }

  #giveUp(): void {
    const { sequencer, journal, logger, onOver } = this.#options;
    this.#run = null;
    sequencer.noteReplayOver();
    this.#startCooldown();
    journal.countReplay('gave-up');
    logger.warn('replay gave up', { purpose: this.#begunFor, cooldownMs: Math.round(this.cooldownMs) });
    onOver('gave-up', this.#begunFor);
  }

  #startCooldown(): void {
    const { clock, random, timing } = this.#options;
    this.#cooldownUntilMs = clock.now() + timing.replayCooldownMs * (1 + 0.2 * random());
  }
}
