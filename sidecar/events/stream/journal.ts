import type { Clock, Logger, MetricLabels, Metrics } from '../../core/index.ts';
import { type StreamState, type StreamTransition, stateNumbers } from './state.ts';

/** Happenings of a stream that are counted, with the metric that counts them. */
const countedAs = {
  gaps: 'event_gaps_total',
  lostBatches: 'event_batches_lost_total',
  duplicates: 'event_frames_duplicate_total',
  malformed: 'event_frames_malformed_total',
  overflowed: 'event_frames_overflowed_total',
  restarts: 'engine_restarts_total',
} as const;

/** What is counted of a stream, since it is followed. */
export type StreamCounts = Readonly<Record<keyof typeof countedAs, number>>;

/** What a {@link StreamJournal} writes to. */
export interface StreamJournalOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly labels: MetricLabels;
  /** Told after each transition. */
  readonly onEntered: () => void;
}

const keptTransitions = 16;

/** A stream's state and what happened to it, told to log and metrics as it happens. Each transition is logged once. */
export class StreamJournal {
  readonly #options: StreamJournalOptions;
  readonly #counts: Record<keyof typeof countedAs, number> = {
    gaps: 0,
    lostBatches: 0,
    duplicates: 0,
    malformed: 0,
    overflowed: 0,
    restarts: 0,
  };
  #state: StreamState = { kind: 'connecting' };
  #sinceMs: number;
  #transitions: readonly StreamTransition[] = [];

  constructor(options: StreamJournalOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
    this.#observe();
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Milliseconds since the state was entered. */
  get ageMs(): number {
    return this.#options.clock.now() - this.#sinceMs;
  }

  get counts(): StreamCounts {
    return this.#counts;
  }

  /** The newest transitions, oldest first. */
  get transitions(): readonly StreamTransition[] {
    return this.#transitions;
  }

  /** Enters a state; nothing happens when the stream is in one of that kind already, but its details are replaced. */
  enter(next: StreamState, reason: string): void {
    const previous = this.#state;
    this.#state = next;
    if (previous.kind === next.kind) return;
    const { clock, logger } = this.#options;
    this.#sinceMs = clock.now();
    const transition: StreamTransition = { from: previous.kind, to: next.kind, reason, atMs: clock.wallNow() };
    this.#transitions = [...this.#transitions.slice(1 - keptTransitions), transition];
    const fields = { from: previous.kind, to: next.kind, reason };
    if (next.kind === 'stale') logger.warn('no events from endpoint, using own routing history', fields);
    else logger.info('event stream changed state', fields);
    this.#observe();
    this.#options.onEntered();
  }

  count(what: keyof typeof countedAs, by = 1): void {
    const { metrics, labels } = this.#options;
    this.#counts[what] += by;
    metrics.count(countedAs[what], labels, by);
  }

  /** Counts the outcome of a replay. */
  countReplay(outcome: 'complete' | 'malformed' | 'gave-up' | 'cancelled'): void {
    const { metrics, labels } = this.#options;
    metrics.count('event_replays_total', { ...labels, outcome });
  }

  #observe(): void {
    const { metrics, labels } = this.#options;
    metrics.gauge('event_stream_state', stateNumbers[this.#state.kind], labels);
  }
}
