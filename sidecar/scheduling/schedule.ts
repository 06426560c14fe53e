import type { Candidate, CandidateEvaluation, Profile, Schedule, SchedulingRequest, ScoredCandidate } from './types.ts';

interface Filtered {
  readonly left: readonly Candidate[];
  readonly removedBy: ReadonlyMap<Candidate, string>;
}

const filterCandidates = (
  request: SchedulingRequest,
  candidates: readonly Candidate[],
  filters: Profile['filters'],
): Filtered => {
  const removedBy = new Map<Candidate, string>();
  let left = candidates;
  for (const filter of filters) {
    const staying = filter.filter(request, left);
    if (staying.length === left.length) continue;
    const kept = new Set(staying);
    for (const candidate of left) if (!kept.has(candidate)) removedBy.set(candidate, filter.type);
    left = staying;
  }
  return { left, removedBy };
};

interface Scored extends ScoredCandidate {
  readonly scores: Readonly<Record<string, number>>;
}

const scoreCandidates = (
  request: SchedulingRequest,
  candidates: readonly Candidate[],
  scorers: Profile['scorers'],
): readonly Scored[] => {
  const columns = scorers.map(({ scorer, weight }) => ({
    type: scorer.type,
    weight,
    scores: scorer.score(request, candidates),
  }));
  return candidates.map((candidate, position) => {
    const scores: Record<string, number> = {};
    let total = 0;
    for (const column of columns) {
      const score = column.scores[position] ?? 0;
      scores[column.type] = score;
      total += column.weight * score;
    }
    return { candidate, total, scores };
  });
};

/**
 * What `profile` would choose, without telling the picker: for explanations. Filters run in order, each on what the one
 * before left; scores of those left are weighted and summed; the picker chooses. O(candidates × (filters + scorers)).
 */
export const preview = (request: SchedulingRequest, candidates: readonly Candidate[], profile: Profile): Schedule => {
  const { left, removedBy } = filterCandidates(request, candidates, profile.filters);
  const scored = scoreCandidates(request, left, profile.scorers);
  const picked = scored.length === 0 ? null : profile.picker.pick(request, scored).candidate;
  let next = 0;
  const evaluations = candidates.map((candidate): CandidateEvaluation => {
    const entry = scored[next];
    // Filters keep the order, so those left come by in the order of all.
    if (entry === undefined || entry.candidate !== candidate) {
      return { candidate, scores: {}, total: 0, removedBy: removedBy.get(candidate) ?? null };
    }
    next += 1;
    return { candidate, scores: entry.scores, total: entry.total, removedBy: null };
  });
  return { picked, evaluations };
};

/** Chooses an endpoint for a request that is then sent: {@link preview}, with the picker told of its choice. */
export const schedule = (request: SchedulingRequest, candidates: readonly Candidate[], profile: Profile): Schedule => {
  const outcome = preview(request, candidates, profile);
  if (outcome.picked !== null) profile.picker.settle?.(outcome.picked);
  return outcome;
};
