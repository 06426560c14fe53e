import { SidecarError } from '../../core/index.ts';
import type { ScoredCandidates } from '../types.ts';

/** Throws `internal` where there is no candidate: pickers are given at least one. */
export const refuseNone = ({ candidates }: ScoredCandidates): void => {
  if (candidates.length === 0) throw new SidecarError('internal', 'a picker was given no candidate');
};
