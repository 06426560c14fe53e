import type { Endpoint } from '../core/index.ts';
import type { Schedule } from '../scheduling/index.ts';
import type { CandidateRecord } from './types.ts';

/**
 * How every candidate of one decision fared, in a few arrays: thousands of decisions are remembered, and objects for each
 * candidate of each would keep the garbage collector busy. What is read of it is made when it is read.
 */
export class CandidateTable {
  readonly #endpoints: readonly Endpoint[];
  readonly #cachedTokens: readonly number[];
  readonly #schedule: Pick<Schedule, 'totals' | 'columns' | 'removedBy'>;

  /** Keeps the outcome's columns and of its candidates what records show: they hold on to much more. */
  constructor({ candidates, totals, columns, removedBy }: Schedule) {
    this.#endpoints = candidates.map(({ endpoint }) => endpoint);
    this.#cachedTokens = candidates.map(({ cachedTokens }) => cachedTokens);
    this.#schedule = { totals, columns, removedBy };
  }

  /** Every candidate in order, as the admin API shows it. */
  records(): readonly CandidateRecord[] {
    return this.#endpoints.map(({ address, name, rank }, position) => {
      const removedBy = this.#removalOf(position);
      const scores = this.#schedule.columns.map((column) => [column.scorer, column.scores[position] ?? 0] as const);
      return {
        endpoint: address,
        name,
        rank,
        cachedTokens: this.#cachedTokens[position] ?? 0,
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

  #totalOf(position: number): number {
    return this.#schedule.totals[position] ?? 0;
  }

  #removalOf(position: number): string | null {
    return this.#schedule.removedBy?.[position] ?? null;
  }
}
