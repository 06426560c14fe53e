import type { Endpoint } from '../core/index.ts';
import type { Schedule } from '../scheduling/index.ts';
import type { CandidateRecord } from './types.ts';

/**
 * How every candidate of one decision fared, in a few arrays: thousands of decisions are remembered, and objects for each
 * candidate of each would keep the garbage collector busy. What is read of it is made when it is read.
 */
export class CandidateTable {
  readonly #endpoints: readonly Endpoint[];
  readonly #scorers: readonly string[];
  /** Type of the filter that removed a candidate, else null; null as a whole where none was removed. */
  readonly #removedBy: readonly (string | null)[] | null;
  /** For each candidate its cached tokens, its total, then its score by each scorer. */
  readonly #figures: Float64Array;

  constructor(evaluations: Schedule['evaluations']) {
    const scored = evaluations.find(({ removedBy }) => removedBy === null);
    const scorers = scored === undefined ? [] : Object.keys(scored.scores);
    const width = 2 + scorers.length;
    const figures = new Float64Array(evaluations.length * width);
    const endpoints: Endpoint[] = [];
    let isAnyRemoved = false;
    for (const { candidate, scores, total, removedBy } of evaluations) {
      const at = endpoints.length * width;
      endpoints.push(candidate.endpoint);
      figures[at] = candidate.cachedTokens;
      figures[at + 1] = total;
      for (let scorer = 0; scorer < scorers.length; scorer += 1) {
        figures[at + 2 + scorer] = scores[scorers[scorer] ?? ''] ?? 0;
      }
      if (removedBy !== null) isAnyRemoved = true;
    }
    this.#endpoints = endpoints;
    this.#scorers = scorers;
    this.#figures = figures;
    this.#removedBy = isAnyRemoved ? evaluations.map(({ removedBy }) => removedBy) : null;
  }

  /** Every candidate in order, as the admin API shows it. */
  records(): readonly CandidateRecord[] {
    return this.#endpoints.map(({ address, name, rank }, position) => {
      const at = position * this.#width;
      const removedBy = this.#removalOf(position);
      const scores = this.#scorers.map((type, scorer) => [type, this.#figures[at + 2 + scorer] ?? 0] as const);
      return {
        endpoint: address,
        name,
        rank,
        cachedTokens: this.#figures[at] ?? 0,
        scores: removedBy === null ? Object.fromEntries(scores) : {},
        total: this.#totalOf(position),
        removedBy,
      };
    });
  }

  /** Endpoints that were not removed, best first, without one of them. */
  ranking(without: Endpoint): readonly Endpoint[] {
    return Array.from(this.#endpoints, (endpoint, position) => ({ endpoint, position }))
      .filter(({ endpoint, position }) => endpoint !== without && this.#removalOf(position) === null)
      .sort((a, b) => this.#totalOf(b.position) - this.#totalOf(a.position))
      .map(({ endpoint }) => endpoint);
  }

  get #width(): number {
    return 2 + this.#scorers.length;
  }

  #totalOf(position: number): number {
    return this.#figures[position * this.#width + 1] ?? 0;
  }

  #removalOf(position: number): string | null {
    return this.#removedBy?.[position] ?? null;
  }
}
