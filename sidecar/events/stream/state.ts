/**
 * Where one subscription stands.
 * - `connecting`: no connection to the publisher.
 * - `replaying`: batches missed are being fetched from the engine's buffer; live ones wait.
 * - `live`: every batch is applied as it comes.
 * - `gap`: numbers are missing and the replay that may bring them has not begun (no slot free, or between two tries).
 * - `stale`: no events although some are due; what is known ages.
 * - `closed`: no longer followed, or nothing to follow.
 */
export type StreamState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'replaying'; readonly from: number }
  | { readonly kind: 'live' }
  | { readonly kind: 'gap'; readonly firstMissing: number; readonly lastMissing: number | null }
  | { readonly kind: 'stale'; readonly why: 'not-connected' | 'silent' }
  | { readonly kind: 'closed'; readonly why: 'not-configured' | 'unfollowed' };

/** Name of a {@link StreamState}. */
export type StreamStateKind = StreamState['kind'];

/** One change of state, for people. */
export interface StreamTransition {
  readonly from: StreamStateKind;
  readonly to: StreamStateKind;
  readonly reason: string;
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** Value of the `stream_state` gauge for each state. */
export const stateNumbers: Readonly<Record<StreamStateKind, number>> = {
  closed: 0,
  connecting: 1,
  stale: 2,
  gap: 3,
  replaying: 4,
  live: 5,
};
