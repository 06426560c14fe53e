/** A Prometheus histogram over fixed buckets. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** `bounds` are the buckets' upper limits, ascending, without infinity. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** Samples in text format; `series` writes one line of a name suffix, further labels and a value. */
  write(series: (suffix: string, labels: Readonly<Record<string, string>>, value: number) => void): void {
    let cumulative = 0;
    for (const [index, bound] of this.#bounds.entries()) {
      cumulative += this.#counts[index] ?? 0;
      series('_bucket', { le: Number.isInteger(bound) ? `${bound}.0` : `${bound}` }, cumulative);
    }
    series('_bucket', { le: '+Inf' }, this.#count);
    series('_count', {}, this.#count);
    series('_sum', {}, this.#sum);
  }
}
