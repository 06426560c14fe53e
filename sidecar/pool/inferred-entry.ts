import type { QueueLinks } from './linked-queue.ts';
import type { Booking } from './work-tally.ts';

/** One request whose response is not seen, as its endpoint's rules look at it. */
export interface InferredRequest extends QueueLinks<InferredRequest> {
  readonly booking: Booking;
  readonly bookedAtMs: number;
  /** Tokens in the prompt's full blocks, null where its blocks are not known and events cannot tell its first token. */
  readonly fullBlockTokens: number | null;
  /** Whether all full blocks were held when the request was decided, so that events say nothing of its first token. */
  readonly isCoveredFromStart: boolean;
  /** Called once; nothing is held on to from then on. */
  onPrefillOver: () => void;
  /** Last time something was heard of the request once it had its first token: that, or a generated block. */
  lastSignAtMs: number;
  /** When its last generated block was stored, null before the first. */
  generatedAtMs: number | null;
  /** Cancels the timer of a request covered from the start. */
  cancelTimer: () => void;
}

/** Why an inferred request was taken to be over. */
export type InferredEnd = 'trimmed' | 'silent' | 'expired' | 'dropped' | 'reported';
