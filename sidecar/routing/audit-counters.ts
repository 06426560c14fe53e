import type { EndpointLoad } from '../pool/index.ts';
import type { Drift } from './audit-window.ts';

/** Own requests between two comparisons, at least; and where an endpoint never rests, after how many it is compared. */
const fewestRequests = 16;
const mostRequests = 512;
/** Beyond this the engine has also served others, and its counters say nothing about own predictions. */
const foreignShare = 0.05;
const beginShare = 0.25;
const endShare = 0.1;

interface Tally {
  requests: number;
  unobserved: number;
  promptTokens: number;
  predicted: number;
  isComparable: boolean;
}

const emptyTally = (): Tally => ({ requests: 0, unobserved: 0, promptTokens: 0, predicted: 0, isComparable: true });

/** The engine's counters at one scrape, in tokens. */
interface Counters {
  readonly queries: number;
  readonly hits: number;
}

/**
 * Compares the sum of an endpoint's predictions with its counters of prefix cache queries and hits, for edges that see no
 * responses. Counters are compared while nothing is in flight, so that both sides speak of the same requests; two
 * comparisons in a row must miss by a quarter before they drift.
 */
export class CounterAudit {
  #baseline: Counters | null = null;
  #tally = emptyTally();
  #missesInRow = 0;
  #drift: Drift | null = null;

  get drift(): Drift | null {
    return this.#drift;
  }

  /** A request was sent to the endpoint. */
  book(request: {
    readonly promptTokens: number | null;
    readonly predicted: number | null;
    readonly observesResponse: boolean;
  }): void {
    const { promptTokens, predicted, observesResponse } = request;
    this.#tally.requests += 1;
    if (!observesResponse) this.#tally.unobserved += 1;
    if (promptTokens === null || predicted === null) this.#tally.isComparable = false;
    this.#tally.promptTokens += promptTokens ?? 0;
    this.#tally.predicted += predicted ?? 0;
  }

  /** The endpoint was scraped; `isQuiet` says that no own request is in flight there. True where counters were compared. */
  observe(load: EndpointLoad | null, isQuiet: boolean): boolean {
    const { prefixCacheQueries: queries = null, prefixCacheHits: hits = null } = load ?? {};
    if (load === null || queries === null || hits === null) {
      this.#restart(null);
      return false;
    }
    const isResting = isQuiet && load.running === 0 && load.waiting === 0;
    const { requests } = this.#tally;
    if (this.#baseline === null || queries < this.#baseline.queries || requests === 0) {
      // What was sent before the baseline would be missing from it; what others sent before own requests is not to count.
      if (isResting || requests >= mostRequests) this.#restart({ queries, hits });
      return false;
    }
    const isDue = requests >= mostRequests || (isResting && requests >= fewestRequests);
    if (!isDue) return false;
    const wasCompared = this.#compare({ queries: queries - this.#baseline.queries, hits: hits - this.#baseline.hits });
    this.#restart({ queries, hits });
    return wasCompared;
  }

  #compare({ queries, hits }: Counters): boolean {
    const { promptTokens, predicted, unobserved, isComparable } = this.#tally;
    if (unobserved === 0 || !isComparable) return false;
    if (Math.abs(queries - promptTokens) > foreignShare * Math.max(queries, promptTokens)) return false;
    const share = Math.abs(predicted - hits) / Math.max(1, predicted, hits);
    if (share < endShare) {
      this.#missesInRow = 0;
      this.#drift = null;
    } else if (share >= beginShare) {
      this.#missesInRow += 1;
      const cause = queries === promptTokens ? 'lost-events' : 'tokenization';
      if (this.#missesInRow >= 2) this.#drift = { cause, missingShare: Math.min(1, share) };
    }
    return true;
  }

  #restart(baseline: Counters | null): void {
    this.#baseline = baseline;
    this.#tally = emptyTally();
  }
}
