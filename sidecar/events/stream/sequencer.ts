import type { Clock, Logger, MetricLabels, Metrics } from '../../core/index.ts';
import type { EngineAdapter, EventBatch } from '../engines/adapter.ts';
import type { TurnQueue } from '../turn-queue.ts';
import type { BatchApplier } from './batch-applier.ts';
import type { StreamJournal } from './journal.ts';
import { LiveQueue } from './live-queue.ts';
import type { LossLedger } from './loss-ledger.ts';
import { type SequenceVerdict, SequenceWindow, type WindowMarks } from './sequence-window.ts';
import type { StreamPosition } from './stream-position.ts';
import type { StreamTiming } from './timing.ts';

/** A numbered batch, not decoded yet. */
export interface NumberedBatch {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** What a {@link Sequencer} works with. */
export interface SequencerOptions {
  readonly adapter: EngineAdapter;
  readonly applier: BatchApplier;
  readonly ledger: LossLedger;
  readonly journal: StreamJournal;
  readonly turns: TurnQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly labels: MetricLabels;
  readonly timing: StreamTiming;
  /** Told after each batch that was applied or given up. */
  readonly onProgress: (lastSequence: number) => void;
  /** Queued batches were applied in a later turn; more may be to do. */
  readonly onDrained: () => void;
}

/**
 * Brings batches into order: applies a batch only when its number is the next one, keeps later live ones until their turn,
 * and writes off those that cannot be had. Decodes each batch whole before anything of it is applied.
 */
export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #window = new SequenceWindow();
  readonly #queue: LiveQueue;
  /** Highest number seen live, of this process of the engine. */
  #highest = -1;
  #startsAtOne = false;
  /** Last number known of when number 0 came into doubt, null where it is not. */
  #doubtedAt: number | null = null;
  #isDrainDue = false;
  /** Whether everything waits, since the endpoint's part of the index is being filled otherwise. */
  #isPaused = false;
  #hasEverApplied = false;
  #eventLagMs: number | null = null;

  constructor(options: SequencerOptions) {
    const { maxQueuedBatches, maxQueuedBytes } = options.timing;
    this.#options = options;
    this.#queue = new LiveQueue({ maxBatches: maxQueuedBatches, maxBytes: maxQueuedBytes });
  }

  /** Number of the last batch dealt with, null before the first. */
  get last(): number | null {
    return this.#window.last;
  }

  /** The number that comes next; before the first batch that with which the engine's numbers start. */
  get next(): number {
    return this.#window.next ?? (this.#startsAtOne ? 1 : 0);
  }

  get highest(): number {
    return this.#highest;
  }

  /** Batches known to exist that were not dealt with yet. */
  get pendingBatches(): number {
    return Math.max(0, this.#highest + 1 - this.next);
  }

  /** Whether a batch that is not here must come before those that wait. */
  get isMissing(): boolean {
    return this.pendingBatches > 0 && !this.#queue.has(this.next);
  }

  get queuedBatches(): number {
    return this.#queue.size;
  }

  /** Whether any batch was applied since the stream is followed, of whatever process. */
  get hasEverApplied(): boolean {
    return this.#hasEverApplied;
  }

  /** Unix seconds at which the engine made the first batch applied of its process, null before it. */
  get firstTimestamp(): number | null {
    return this.#window.firstTimestamp;
  }

  /** Time from the making of the last live batch to its being applied, null before one. */
  get eventLagMs(): number | null {
    return this.#eventLagMs;
  }

  judge(batch: NumberedBatch): SequenceVerdict {
    return this.#judgeBy(this.#window, batch);
  }

  /** Where the stream stands; null before the first batch, and where nothing is known of what came before it. */
  position(): StreamPosition | null {
    const { ledger } = this.#options;
    const marks = this.#window.marks();
    return marks === null || !ledger.isAnchored || this.#isPaused ? null : { ...marks, ...ledger.counts() };
  }

  /** Whether what was applied or waits is of the process that `marks` are of; null where it cannot be told. */
  agreesWith(marks: WindowMarks): boolean | null {
    const ofQueue = this.haveMarks(marks, this.#queue.entries());
    const ofWindow = this.#window.agreesWith(marks);
    return ofQueue === false ? false : (ofWindow ?? ofQueue);
  }

  /** Whether `marks` are of the process that published all these batches; null where they do not tell. */
  haveMarks(marks: WindowMarks, batches: Iterable<readonly [number, Uint8Array]>): boolean | null {
    const window = new SequenceWindow();
    window.restore(marks);
    let agrees: boolean | null = null;
    for (const [sequence, payload] of batches) {
      const verdict = this.#judgeBy(window, { sequence, payload });
      if (verdict === 'restart') return false;
      if (verdict === 'duplicate') agrees = true;
    }
    return agrees;
  }

  /** Empties the endpoint's part and lets everything wait until `resumeAt`, or until the stream starts over. */
  pauseEmpty(): void {
    this.startOver();
    this.#isPaused = true;
  }

  /** Goes on behind a position that the endpoint's part was filled to. False where what waits is of another process. */
  resumeAt(position: StreamPosition): boolean {
    const { ledger, onProgress } = this.#options;
    this.#window.restore(position);
    for (const [sequence, payload] of this.#queue.entries()) {
      if (this.judge({ sequence, payload }) === 'restart') return false;
    }
    ledger.restore(position);
    this.#queue.dropThrough(position.last);
    this.#highest = Math.max(this.#highest, position.last);
    this.#hasEverApplied = true;
    this.#isPaused = false;
    onProgress(position.last);
    return true;
  }

  /** Whether the next batch waits here. */
  get hasNext(): boolean {
    return this.#queue.has(this.next);
  }

  /** Takes a new live batch: applies it if it is the next one, else keeps it. One that cannot be decoded stays missing. */
  takeLive(batch: NumberedBatch): void {
    this.#highest = Math.max(this.#highest, batch.sequence);
    if (batch.sequence === this.next && !this.#isPaused) this.#apply(batch, 'live');
    else if (!this.#queue.push(batch.sequence, batch.payload)) this.#options.journal.count('overflowed');
  }

  /** Applies the next batch out of a replay; one that cannot be decoded is written off, and false is returned. */
  takeReplayed(batch: NumberedBatch): boolean {
    this.#queue.take(batch.sequence);
    if (this.#apply(batch, 'replay')) return true;
    this.writeOffUpTo(batch.sequence + 1);
    return false;
  }

  /** Applies what waits and is next, in this turn as far as there is time and at least one, the rest in later turns. */
  drain(): void {
    if (this.#isPaused) return;
    for (let payload = this.#queue.take(this.next); payload !== null; payload = this.#queue.take(this.next)) {
      this.#apply({ sequence: this.next, payload }, 'live');
      if (!this.#options.turns.hasTime()) {
        this.#drainLater();
        return;
      }
    }
  }

  /** Takes a replayed batch that is not the next one, if the next ones wait here; false where they do not. */
  keepBehindQueued(batch: NumberedBatch): boolean {
    if (!this.#queue.has(this.next)) return false;
    if (!this.#queue.push(batch.sequence, batch.payload)) this.#options.journal.count('overflowed');
    this.drain();
    return true;
  }

  /** Gives up every batch before `sequence`. */
  writeOffUpTo(sequence: number): void {
    const { journal, ledger, logger, onProgress } = this.#options;
    const firstLost = this.next;
    const batches = sequence - firstLost;
    this.#window.skipTo(sequence - 1);
    this.#queue.dropThrough(sequence - 1);
    if (batches <= 0) return;
    ledger.loseBatches(batches);
    journal.count('lostBatches', batches);
    logger.warn('event batches lost', { firstLost, batches });
    onProgress(sequence - 1);
  }

  /** Gives up what is missing before the first batch that waits, or all that was seen if none does. */
  writeOffMissing(): void {
    this.writeOffUpTo(this.#queue.lowest() ?? this.#highest + 1);
  }

  /** The engine has published nothing yet: its cache is empty. */
  confirmEmpty(): void {
    this.#options.ledger.anchor();
  }

  /**
   * Begins with number 1, the lowest that the engine still has. Whether it counts from 1 or has dropped number 0 shows once
   * it has published more: a full buffer then begins later.
   */
  beginAtOne(): void {
    this.#window.skipTo(0);
    this.#doubtedAt = Number.POSITIVE_INFINITY;
    this.#options.ledger.doubtZero();
  }

  /** The replay is over: what is published from here on counts for settling a doubt about the start. */
  noteReplayOver(): void {
    if (this.#doubtedAt === Number.POSITIVE_INFINITY) this.#doubtedAt = Math.max(this.#window.last ?? 0, this.#highest);
  }

  /** Whether the engine has published enough since for the doubt about number 0 to be settled. */
  get isStartDue(): boolean {
    return this.#doubtedAt !== null && (this.#window.last ?? 0) > this.#doubtedAt;
  }

  /** Settles the doubt by the lowest number that the engine has now. */
  settleStart(lowest: number): void {
    this.#doubtedAt = null;
    if (lowest > 1) return;
    this.#startsAtOne = true;
    this.#options.ledger.dismissZero();
  }

  /** Begins anew with an empty cache, of the same process: what waits stays. */
  startOver(): void {
    this.#options.applier.clear();
    this.#options.ledger.reset();
    this.#window.reset();
    this.#doubtedAt = null;
    this.#isPaused = false;
  }

  /** Begins anew with an empty cache, of another process. */
  forgetProcess(): void {
    this.startOver();
    this.forgetWaiting();
  }

  /** Forgets what waits: it may be of a process that is gone, and what still counts can be fetched. */
  forgetWaiting(): void {
    this.#queue.clear();
    this.#highest = this.#window.last ?? -1;
  }

  #judgeBy(window: SequenceWindow, batch: NumberedBatch): SequenceVerdict {
    return window.judge(batch.sequence, batch.payload, (payload) => {
      try {
        return this.#options.adapter.peek(payload).timestampSeconds;
      } catch {
        return null;
      }
    });
  }

  /** False when the batch cannot be decoded, in which case nothing changed. */
  #apply(batch: NumberedBatch, source: 'live' | 'replay'): boolean {
    const { adapter, applier, ledger, journal, onProgress } = this.#options;
    let decoded: EventBatch;
    try {
      decoded = adapter.decode(batch.payload);
    } catch {
      journal.count('malformed');
      return false;
    }
    if (this.#window.last === null) ledger.anchor();
    this.#hasEverApplied = true;
    this.#window.advance(batch.sequence, batch.payload, decoded.timestampSeconds);
    applier.apply(decoded);
    if (source === 'live') this.#observeLag(decoded);
    onProgress(batch.sequence);
    return true;
  }

  #observeLag(batch: EventBatch): void {
    const { clock, metrics, labels } = this.#options;
    this.#eventLagMs = Math.max(0, clock.wallNow() - batch.timestampSeconds * 1000);
    metrics.observe('event_lag_seconds', this.#eventLagMs / 1000, labels);
  }

  #drainLater(): void {
    if (this.#isDrainDue || !this.#queue.has(this.next)) return;
    this.#isDrainDue = true;
    const { turns, logger, onDrained } = this.#options;
    turns
      .run(() => {
        this.#isDrainDue = false;
        this.drain();
        onDrained();
      })
      .catch((failure: unknown) => logger.error('applying queued events failed', { reason: String(failure) }));
  }
}
