/** One value of something that should stay flat. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/**
 * How much values grow from their first third's end to the end, by the median of the slopes between all pairs of points: single
 * outliers do not move it. The first third is the time to fill bounded caches. 0 for fewer than three points behind it.
 * O(points squared).
 */
export const growthOf = (points: readonly Point[]): number => {
  const judged = points.slice(Math.floor(points.length / 3));
  const [first, last] = [judged.at(0), judged.at(-1)];
  if (first === undefined || last === undefined || judged.length < 3) return 0;
  const slopes = judged.flatMap((a, i) =>
    judged.slice(i + 1).flatMap((b) => (b.atMs > a.atMs ? [(b.value - a.value) / (b.atMs - a.atMs)] : [])),
  );
  const sorted = slopes.sort((a, b) => a - b);
  const slope = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return slope * (last.atMs - first.atMs);
};
