import type { Endpoint, Random, Trust } from '../core/index.ts';
import type { EndpointLoad, InFlightWork } from '../pool/index.ts';

/** An endpoint still eligible for a request, with all that scorers may look at. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly load: EndpointLoad | null;
  readonly work: InFlightWork;
  readonly trust: Trust;
  /** Tokens the endpoint is predicted to have cached: the view that its trust allows, speculative entries included. */
  readonly cachedTokens: number;
  /** The same by events alone, at full weight, without speculative entries. */
  readonly preciseCachedTokens: number;
  /** The same by own routing history alone. */
  readonly approximateCachedTokens: number;
  /** `cachedTokens` and `preciseCachedTokens` by the weights of their media; absent where none counts for less than 1. */
  readonly weighted?: WeightedTokens;
  /**
   * Own requests in flight on this endpoint that hold the block at half the best match of all candidates; read by the
   * hot-prefix term of `token-cost-scorer` alone. Absent where nobody counts them: 0.
   */
  readonly requestsOnPrefix?: number;
}

/** Cached tokens of which each counts by the medium that its block lies on: a copy on a slow one spares less. */
export interface WeightedTokens {
  readonly cachedTokens: number;
  readonly preciseCachedTokens: number;
}

/** What scheduling needs to know of a request. */
export interface SchedulingRequest {
  /** Tokens in the prompt; an estimate from its bytes where it was not tokenized. */
  readonly promptTokens: number;
  /** Session the client named, null where it named none. */
  readonly sessionId: string | null;
  readonly random: Random;
}

/** Drops candidates. Returns those that stay, in the same order; never changes the input. */
export interface Filter {
  readonly type: string;
  filter(request: SchedulingRequest, candidates: readonly Candidate[]): readonly Candidate[];
}

/** Gives each candidate a number in [0, 1], larger is better, in the order of the candidates. Pure. */
export interface Scorer {
  readonly type: string;
  score(request: SchedulingRequest, candidates: readonly Candidate[]): Float64Array;
}

/** Candidates with their weighted sums, in the same order. */
export interface ScoredCandidates {
  readonly candidates: readonly Candidate[];
  readonly totals: Float64Array;
}

/** Chooses from scored candidates, at least one. */
export interface Picker {
  readonly type: string;
  /**
   * Position of the choice; the same for the same arguments and random numbers until {@link Picker.settle} is called.
   * Throws `internal` where there is no candidate.
   */
  pick(request: SchedulingRequest, scored: ScoredCandidates): number;
  /** Told of each pick that is carried out; only pickers may hold state (a round-robin position). */
  settle?(picked: Candidate): void;
}

/** Named list of filters, weighted scorers and one picker. */
export interface Profile {
  readonly name: string;
  readonly filters: readonly Filter[];
  readonly scorers: readonly { readonly scorer: Scorer; readonly weight: number }[];
  readonly picker: Picker;
}

/** What one scorer gave each candidate. */
export interface ScoreColumn {
  /** The scorer's type. */
  readonly scorer: string;
  /** In [0, 1]; 0 for candidates that a filter removed. */
  readonly scores: Float64Array;
}

/** Outcome of one scheduling run: how every candidate fared, in columns that follow the order of `candidates`. */
export interface Schedule {
  /** Null when no candidate was left. */
  readonly picked: Candidate | null;
  /** Every candidate given. */
  readonly candidates: readonly Candidate[];
  /** Type of the filter that removed each, null for those left; null as a whole where none was removed. */
  readonly removedBy: readonly (string | null)[] | null;
  /** Weighted sums of scores; 0 for candidates that a filter removed. */
  readonly totals: Float64Array;
  readonly columns: readonly ScoreColumn[];
}
