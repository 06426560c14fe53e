import type { Clock, Random } from '../../core/index.ts';
import type { ReplayGate } from '../replay-gate.ts';
import type { TurnQueue } from '../turn-queue.ts';
import type { StreamJournal } from './journal.ts';
import type { LossLedger } from './loss-ledger.ts';
import type { Recovery } from './recovery.ts';
import type { Sequencer } from './sequencer.ts';
import type { AdoptionOutcome, StreamPosition, WarmState } from './stream-position.ts';

/**
 * A process's start is known to a second, so a batch that is younger than it by less may still be of the process before.
 * Source: /proc/stat gives the boot time, from which clients of Prometheus reckon, in whole seconds.
 */
const startToleranceSeconds = 1;

/** What an {@link Adoption} works with and whom it tells. */
export interface AdoptionOptions {
  readonly sequencer: Sequencer;
  readonly ledger: LossLedger;
  readonly recovery: Recovery;
  readonly journal: StreamJournal;
  readonly turns: TurnQueue;
  readonly gate: ReplayGate;
  readonly clock: Clock;
  readonly random: Random;
  /** The content is in place; what follows it is to be fetched. */
  readonly onLoaded: () => void;
  /** Loading ended without content: the endpoint's part is empty, and what the engine has is to be fetched. */
  readonly onEmptied: () => void;
}

interface Run {
  isLoading: boolean;
  isCancelled: boolean;
  cancelQuestion: () => void;
}

/**
 * Takes on what another process knew of the same endpoint. Nothing on the wire names the engine's process, so content is
 * only taken on with proof that it is of the process that answers now: a batch that both have seen, byte for byte, or its
 * start, where both were told the same one or it is before the content's last batch. Live batches wait while it is loaded.
 */
export class Adoption {
  readonly #options: AdoptionOptions;
  #run: Run | null = null;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** Whether the endpoint's part is being filled, so that nothing may be applied. */
  get isLoading(): boolean {
    return this.#run?.isLoading ?? false;
  }

  /** Gives up what is under way: the engine, its cache or the connection is not what it was. */
  cancel(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    run.isCancelled = true;
    run.cancelQuestion();
    if (run.isLoading) this.#options.sequencer.startOver();
  }

  /** Rejects where the content cannot be loaded; what was there is gone then as well. One at a time. */
  async adopt(warm: WarmState): Promise<AdoptionOutcome> {
    if (this.#run !== null) return 'busy';
    const run: Run = { isLoading: false, isCancelled: false, cancelQuestion: () => {} };
    this.#run = run;
    try {
      const refusal = this.#refusalOf(warm.position);
      if (refusal !== null) return refusal;
      const isSame = this.#isSameProcess(warm) ?? (await this.#askEngine(warm.position, run));
      if (run.isCancelled) return 'interrupted';
      if (isSame !== true) return isSame === false ? 'restarted' : 'unproven';
      return this.#refusalOf(warm.position) ?? (await this.#load(warm, run));
    } finally {
      if (this.#run === run) this.#run = null;
    }
  }

  #refusalOf(position: StreamPosition): AdoptionOutcome | null {
    const { sequencer, ledger, recovery, journal } = this.#options;
    if (journal.state.kind !== 'live') return 'busy';
    if (ledger.isAnchored && ledger.lostBatches === 0 && ledger.orphanedBlocks === 0) return 'not-needed';
    const lostMore = position.lostBatches - ledger.lostBatches;
    const isBetter = lostMore < 0 || (lostMore === 0 && position.orphanedBlocks < ledger.orphanedBlocks);
    if (ledger.isAnchored && !isBetter) return 'not-better';
    // Without a replay what follows the content must have waited here, or be yet to come.
    return !recovery.isPossible && sequencer.last !== null && sequencer.last > position.last ? 'behind' : null;
  }

  /** Null where it cannot be told from what is here. */
  #isSameProcess({ position, startedAtSeconds, toldStartSeconds }: WarmState): boolean | null {
    const agrees = this.#options.sequencer.agreesWith(position);
    if (agrees !== null || startedAtSeconds === null) return agrees;
    if (position.lastTimestamp < startedAtSeconds) return false;
    const isPlainlyLater = position.lastTimestamp >= startedAtSeconds + startToleranceSeconds;
    return isPlainlyLater || toldStartSeconds === startedAtSeconds ? true : null;
  }

  /** Compares the content's last batch with the one that the engine has under the same number. */
  async #askEngine(position: StreamPosition, run: Run): Promise<boolean | null> {
    const { recovery, sequencer } = this.#options;
    const question = recovery.askFor(position.last);
    run.cancelQuestion = question.cancel;
    const batch = await question.batch;
    return batch === null ? null : sequencer.haveMarks(position, [[batch.sequence, batch.payload]]);
  }

  async #load(warm: WarmState, run: Run): Promise<AdoptionOutcome> {
    const { sequencer, recovery, journal, turns, onLoaded, onEmptied } = this.#options;
    recovery.cancel();
    run.isLoading = true;
    sequencer.pauseEmpty();
    journal.enter({ kind: 'replaying', from: warm.position.last }, 'warm-start');
    const steps = warm.load();
    let isLoaded = false;
    try {
      while (!isLoaded && !run.isCancelled) {
        await turns.run(() => {
          if (!run.isCancelled) isLoaded = steps.next().done === true;
        });
      }
      if (run.isCancelled) return 'interrupted';
    } catch (failure) {
      if (!run.isCancelled) this.#leave(run, onEmptied);
      throw failure;
    }
    if (!sequencer.resumeAt(warm.position)) {
      this.#leave(run, onEmptied);
      return 'restarted';
    }
    run.isLoading = false;
    onLoaded();
    return 'adopted';
  }

  #leave(run: Run, onEmptied: () => void): void {
    run.isLoading = false;
    this.#options.sequencer.startOver();
    onEmptied();
  }
}
