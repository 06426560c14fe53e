import type { StreamStateKind, StreamTransition } from './state.ts';
import type { TrustView } from './trust.ts';

/** One stream as of now. */
export interface StreamReport extends TrustView {
  readonly state: StreamStateKind;
  readonly stateAgeMs: number;
  /** Number of the last batch dealt with, null before the first. */
  readonly lastSequence: number | null;
  /** Time from the engine's making of the last live batch to its being applied, null before one. */
  readonly eventLagMs: number | null;
  /** Batches applied and lost since the cache was last known to be empty. */
  readonly batchesApplied: number;
  readonly batchesLost: number;
  readonly orphanedBlocks: number;
  readonly queuedBatches: number;
  /** Counted since the stream is followed, as are those below. */
  readonly gaps: number;
  readonly malformedFrames: number;
  readonly duplicateFrames: number;
  readonly restarts: number;
  /** Replay requests sent, repeated ones included. */
  readonly replays: number;
  /** The newest changes of state, oldest first. */
  readonly transitions: readonly StreamTransition[];
}
