import type { ParameterReader } from '../parameters.ts';
import type { Candidate, Scorer } from '../types.ts';

/** Least tokens a prompt is reckoned to need computed: the last block is never cached whole. */
const MIN_UNCACHED_TOKENS = 16;
/** Weight of a busy batch: how much more a token costs on an endpoint with twice the mean of requests in flight. */
const BATCH_WEIGHT = 0.5;
/** Cost of one prompt token of context in flight, in uncached tokens. */
const CONTEXT_WEIGHT = 0.02;
/** Tokens a full cache costs at even odds, and the fullest cache that is told apart from a full one. */
const KV_BARRIER_TOKENS = 1200;
const KV_BARRIER_FULLEST = 0.99;
/** Requests on one prefix before it counts as hot, and how fast its pull then fades. */
const HOT_PREFIX_REQUESTS = 8;
const HOT_PREFIX_FADE = 0.1;

/**
 * Tokens of a prompt that an endpoint is reckoned to compute: those not cached, at least 16. What the ledger is to be
 * told when the request is booked.
 */
export const uncachedTokensOf = (promptTokens: number, cachedTokens: number): number =>
  Math.max(promptTokens - cachedTokens, MIN_UNCACHED_TOKENS);

/** The cost's U: a token cached on a slow medium is reckoned to be computed in part. */
const costlyTokensOf = (promptTokens: number, { weighted, cachedTokens }: Candidate): number =>
  uncachedTokensOf(promptTokens, weighted === undefined ? cachedTokens : weighted.cachedTokens);

/** Figures of all candidates that each one's cost depends on. */
interface Fleet {
  readonly meanRequests: number;
  /** The fewest requests that await their first token: above 0 only when every candidate has a backlog. */
  readonly minAwaiting: number;
  readonly minUncachedTokens: number;
  readonly maxRequestsOnPrefix: number;
}

const surveyFleet = (promptTokens: number, candidates: readonly Candidate[]): Fleet => {
  let requests = 0;
  let minAwaiting = Number.POSITIVE_INFINITY;
  let minUncachedTokens = Number.POSITIVE_INFINITY;
  let maxRequestsOnPrefix = 0;
  for (const candidate of candidates) {
    const { work, requestsOnPrefix } = candidate;
    requests += work.requests;
    minAwaiting = Math.min(minAwaiting, work.awaitingFirstToken);
    minUncachedTokens = Math.min(minUncachedTokens, costlyTokensOf(promptTokens, candidate));
    maxRequestsOnPrefix = Math.max(maxRequestsOnPrefix, requestsOnPrefix ?? 0);
  }
  return { meanRequests: requests / candidates.length, minAwaiting, minUncachedTokens, maxRequestsOnPrefix };
};

/** Extra cost of an endpoint whose cache is about to overflow; 0 where usage or capacity is not known. */
const kvBarrier = (candidate: Candidate, uncachedTokens: number, expectedOutputTokens: number): number => {
  const { load, work } = candidate;
  if (load === null || load.kvCapacityTokens === null || load.kvCapacityTokens <= 0) return 0;
  const comingTokens = work.uncachedTokens + uncachedTokens + expectedOutputTokens / 2;
  const usage = Math.min(KV_BARRIER_FULLEST, load.kvUsage + comingTokens / load.kvCapacityTokens);
  return (KV_BARRIER_TOKENS * usage) / (1 - usage);
};

/**
 * `token-cost-scorer`: the default. Cost of sending the request to endpoint i, in tokens to be computed (docs/adr/0006):
 *
 *   cost_i = Q_i + U_i · (1 + 0.5 · n_i / max(1, n̄) + qmin) + 0.02 · C_i
 *
 * U_i: tokens of the prompt not cached there, at least 16, those cached on a slow medium in part. Q_i: tokens still to be computed for requests that wait for
 * their first token there. n_i: requests in flight there, n̄ their mean over the candidates. qmin: the fewest requests
 * waiting for a first token on any candidate. C_i: prompt tokens in flight there, this request's included. Score: the
 * lowest cost divided by the candidate's. All figures are the sidecar's own; nothing is learned or calibrated.
 *
 * Parameters:
 * - `kvBarrier` (`off`, the default, or `on`): adds 1200 · k / (1 − k), k the share of the cache in use once Q_i, U_i
 *   and half the expected output are in it, at most 0.99. For loads bound by cache memory; wants scrapes every second or
 *   oftener, and adds nothing where an endpoint does not report usage and capacity.
 * - `expectedOutputTokens` (default 256): what the barrier takes a request's output to be.
 * - `hotPrefix` (`off`, the default, or `on`): while many requests in flight share the request's prefix, lets its pull
 *   fade: U_i is replaced by U_min + (U_i − U_min) / (1 + 0.1 · max(0, h − 8)), h the most requests on that prefix on
 *   one endpoint. Helps flash crowds on one prompt; costs up to a tenth under overload.
 */
export const createTokenCostScorer = (parameters: ParameterReader): Scorer => {
  const hasKvBarrier = parameters.choice('kvBarrier', ['off', 'on'], { isRequired: false }) === 'on';
  const expectedOutputTokens = parameters.number('expectedOutputTokens', { default: 256, min: 0, max: 1_000_000 });
  const hasHotPrefix = parameters.choice('hotPrefix', ['off', 'on'], { isRequired: false }) === 'on';

  return {
    type: 'token-cost-scorer',
    score: ({ promptTokens }, candidates) => {
      const fleet = surveyFleet(promptTokens, candidates);
      const busyUnit = BATCH_WEIGHT / Math.max(1, fleet.meanRequests);
      const heat = hasHotPrefix ? Math.max(0, fleet.maxRequestsOnPrefix - HOT_PREFIX_REQUESTS) : 0;
      const pull = 1 / (1 + HOT_PREFIX_FADE * heat);
      const costs = new Float64Array(candidates.length);
      let lowest = Number.POSITIVE_INFINITY;
      let position = 0;
      for (const candidate of candidates) {
        const { work } = candidate;
        const uncached = costlyTokensOf(promptTokens, candidate);
        const weighed = fleet.minUncachedTokens + (uncached - fleet.minUncachedTokens) * pull;
        const cost =
          work.uncachedTokens +
          weighed * (1 + busyUnit * work.requests + fleet.minAwaiting) +
          CONTEXT_WEIGHT * (work.promptTokens + promptTokens) +
          (hasKvBarrier ? kvBarrier(candidate, uncached, expectedOutputTokens) : 0);
        costs[position] = cost;
        position += 1;
        if (cost < lowest) lowest = cost;
      }
      for (position = 0; position < costs.length; position += 1) costs[position] = lowest / (costs[position] ?? lowest);
      return costs;
    },
  };
};
