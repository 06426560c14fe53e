import type { Trust } from '../../core/index.ts';
import type { StreamState } from './state.ts';

/** Why an endpoint's part of the index is not `exact`. */
type TrustReason =
  | 'not-configured'
  | 'unfollowed'
  | 'not-connected'
  | 'disconnected'
  | 'silent'
  | 'history-unknown'
  | 'replaying'
  | 'gap'
  | 'batches-lost'
  | 'orphaned-blocks';

/** How far an endpoint's part of the index can be relied on. */
export interface TrustView {
  readonly trust: Trust;
  /** Null when `exact`. */
  readonly reason: TrustReason | null;
  /** Estimate of what is missing or wrong, 0 (nothing) to 1 (all): the discount of a `degraded` endpoint's score. */
  readonly missingShare: number;
}

/** Value of the `endpoint_trust` gauge. */
export const trustNumbers: Readonly<Record<Trust, number>> = { fallback: 0, degraded: 1, exact: 2 };

/** What trust is derived from. */
export interface TrustFacts {
  readonly state: StreamState;
  /** Whether the cache was seen empty, or the number of batches missing since is known. */
  readonly isAnchored: boolean;
  readonly appliedBatches: number;
  /** Batches that will never be applied. */
  readonly lostBatches: number;
  /** Batches known to exist that are not applied yet. */
  readonly pendingBatches: number;
  readonly orphanShare: number;
  /** Part of the time allowed for reconnecting that is over, 0 to 1; 0 while connected. */
  readonly disconnectedShare: number;
}

/** Every decision asks every endpoint, and nearly all are exact: one object serves them. */
const exact: TrustView = Object.freeze({ trust: 'exact', reason: null, missingShare: 0 });

const either = (a: number, b: number): number => 1 - (1 - a) * (1 - b);

const degraded = (reason: TrustReason, missingShare: number): TrustView => ({
  trust: 'degraded',
  reason,
  missingShare: Math.min(1, missingShare),
});
const fallback = (reason: TrustReason): TrustView => ({ trust: 'fallback', reason, missingShare: 1 });

/**
 * Derives trust. `exact` only where every batch since an empty cache is applied and each block found its place; `fallback`
 * where nothing is known; else `degraded`, by a share that grows step by step with what is missing and fades as newer
 * batches outweigh it. Pure.
 */
export const trustOf = (facts: TrustFacts): TrustView => {
  const { state } = facts;
  if (state.kind === 'closed') return fallback(state.why);
  if (state.kind === 'stale') return fallback(state.why);
  if (!facts.isAnchored) {
    if (state.kind === 'connecting') return fallback('not-connected');
    return state.kind === 'live' ? fallback('history-unknown') : degraded('replaying', 1);
  }
  const missingBatches = facts.lostBatches + facts.pendingBatches;
  const batchShare = missingBatches === 0 ? 0 : missingBatches / (missingBatches + facts.appliedBatches);
  const share = either(batchShare, facts.orphanShare);
  if (state.kind === 'connecting') return degraded('disconnected', either(share, facts.disconnectedShare));
  if (state.kind === 'gap') return degraded('gap', share);
  if (state.kind === 'replaying') return degraded('replaying', share);
  if (facts.lostBatches > 0) return degraded('batches-lost', share);
  if (facts.pendingBatches > 0) return degraded('gap', share);
  if (facts.orphanShare > 0) return degraded('orphaned-blocks', share);
  return exact;
};
