import { SidecarError } from '../../core/index.ts';
import type { ScoredCandidate } from '../types.ts';

/** The candidate at a position. Throws `internal` where there is none: pickers are given at least one. */
export const candidateAt = (scored: readonly ScoredCandidate[], position: number): ScoredCandidate => {
  const candidate = scored[position];
  if (candidate === undefined) throw new SidecarError('internal', 'a picker was given no candidate');
  return candidate;
};
