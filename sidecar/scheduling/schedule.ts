import type { Candidate, Profile, Schedule, SchedulingRequest, ScoreColumn } from './types.ts';

interface Filtered {
  readonly left: readonly Candidate[];
  readonly removedBy: Schedule['removedBy'];
}

const filterCandidates = (
  request: SchedulingRequest,
  candidates: readonly Candidate[],
  filters: Profile['filters'],
): Filtered => {
  const removers = new Map<Candidate, string>();
  let left = candidates;
  for (const filter of filters) {
    const staying = filter.filter(request, left);
    if (staying.length === left.length) continue;
    const kept = new Set(staying);
    for (const candidate of left) if (!kept.has(candidate)) removers.set(candidate, filter.type);
    left = staying;
  }
  const removedBy = removers.size === 0 ? null : candidates.map((candidate) => removers.get(candidate) ?? null);
  return { left, removedBy };
};

/** Figures of the candidates left at their places among all; filters keep the order. */
const amongAll = (figures: Float64Array, removedBy: Schedule['removedBy']): Float64Array => {
  if (removedBy === null) return figures;
  let next = 0;
  return Float64Array.from(removedBy, (remover) => {
    if (remover !== null) return 0;
    next += 1;
    return figures[next - 1] ?? 0;
  });
};

const weightedSums = (columns: readonly ScoreColumn[], scorers: Profile['scorers'], length: number): Float64Array => {
  const totals = new Float64Array(length);
  for (let column = 0; column < columns.length; column += 1) {
    const scores = columns[column]?.scores;
    const weight = scorers[column]?.weight ?? 0;
    for (let position = 0; position < length; position += 1) {
      totals[position] = (totals[position] ?? 0) + weight * (scores?.[position] ?? 0);
    }
  }
  return totals;
};

/**
 * What `profile` would choose, without telling the picker: for explanations. Filters run in order, each on what the one
 * before left; scores of those left are weighted and summed; the picker chooses. O(candidates × (filters + scorers)).
 */
export const preview = (request: SchedulingRequest, candidates: readonly Candidate[], profile: Profile): Schedule => {
  const { scorers, picker } = profile;
  const { left, removedBy } = filterCandidates(request, candidates, profile.filters);
  const columns = scorers.map(({ scorer }) => ({ scorer: scorer.type, scores: scorer.score(request, left) }));
  const totals = weightedSums(columns, scorers, left.length);
  const picked = left.length === 0 ? null : (left[picker.pick(request, { candidates: left, totals })] ?? null);
  return {
    picked,
    candidates,
    removedBy,
    totals: amongAll(totals, removedBy),
    columns: columns.map(({ scorer, scores }) => ({ scorer, scores: amongAll(scores, removedBy) })),
  };
};

/** Chooses an endpoint for a request that is then sent: {@link preview}, with the picker told of its choice. */
export const schedule = (request: SchedulingRequest, candidates: readonly Candidate[], profile: Profile): Schedule => {
  const outcome = preview(request, candidates, profile);
  if (outcome.picked !== null) profile.picker.settle?.(outcome.picked);
  return outcome;
};
