/** How one policy fared on a trace. */
export interface ReplayFigures {
  readonly policy: string;
  readonly requests: number;
  /** Requests left out since no engine's cache holds them. */
  readonly skipped: number;
  /** Prompt tokens found cached, of all prompt tokens. */
  readonly hitRatio: number;
  readonly ttftMeanMs: number;
  readonly ttftP50Ms: number;
  readonly ttftP99Ms: number;
  /** Prompt tokens computed by the endpoint that computed most, over the mean of all endpoints; 1 is even. */
  readonly imbalance: number;
  /** Predictions of cached tokens, and those of them that the engine confirmed to the token. */
  readonly predictions: { readonly total: number; readonly exact: number };
  /** From the first arrival to the last token. */
  readonly simulatedSeconds: number;
}

const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

const mean = (values: Float64Array): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Collects what came of each request. */
export class FigureTally {
  readonly #ttftMs: number[] = [];
  readonly #computedTokens: Float64Array;
  #promptTokens = 0;
  #cachedTokens = 0;
  #predictions = 0;
  #exact = 0;
  #skipped = 0;

  constructor(endpoints: number) {
    this.#computedTokens = new Float64Array(endpoints);
  }

  skip(): void {
    this.#skipped += 1;
  }

  /** A request got its first token on the endpoint of this number. */
  firstToken(
    endpoint: number,
    request: {
      readonly ttftMs: number;
      readonly promptTokens: number;
      readonly cachedTokens: number;
      readonly predictedTokens: number | null;
    },
  ): void {
    const { ttftMs, promptTokens, cachedTokens, predictedTokens } = request;
    this.#ttftMs.push(ttftMs);
    this.#promptTokens += promptTokens;
    this.#cachedTokens += cachedTokens;
    this.#computedTokens[endpoint] = (this.#computedTokens[endpoint] ?? 0) + promptTokens - cachedTokens;
    if (predictedTokens === null) return;
    this.#predictions += 1;
    if (predictedTokens === cachedTokens) this.#exact += 1;
  }

  /** Sums up. O(requests x log requests). */
  figures(policy: string, simulatedMs: number): ReplayFigures {
    const ttftMs = Float64Array.from(this.#ttftMs).sort();
    return {
      policy,
      requests: ttftMs.length,
      skipped: this.#skipped,
      hitRatio: this.#cachedTokens / Math.max(1, this.#promptTokens),
      ttftMeanMs: mean(ttftMs),
      ttftP50Ms: quantile(ttftMs, 0.5),
      ttftP99Ms: quantile(ttftMs, 0.99),
      imbalance: Math.max(...this.#computedTokens) / Math.max(1, mean(this.#computedTokens)),
      predictions: { total: this.#predictions, exact: this.#exact },
      simulatedSeconds: simulatedMs / 1000,
    };
  }
}
