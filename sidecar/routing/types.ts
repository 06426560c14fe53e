import type { DecisionId, Endpoint, EndpointId, ModelName, PoolName } from '../core/index.ts';
import type { ApiKind, TokenIdsMember } from '../prompt/index.ts';
import type { MissReason } from './audit-sample.ts';

/** What a request's headers ask of the endpoint picker besides its body; null: nothing. */
export interface RequestControl {
  /** The model that is to serve in place of the one that the client named. The edge puts it into the body. */
  readonly model: string | null;
  /** Name of the objective, which stands for a priority. */
  readonly objective: string | null;
  /** Whose share of the pool the request is counted to. */
  readonly fairnessId: string | null;
  /** Time to first token that is hoped for, milliseconds. */
  readonly sloTtftMs: number | null;
  /** Time an output token that is hoped for, milliseconds. */
  readonly sloTpotMs: number | null;
}

/** One request as an edge hands it over. Edges translate to this and from {@link Decision}, and do nothing else. */
export interface RouteRequest {
  readonly method: string;
  /** Path with query as the client sent it; null where the edge does not know it (the API is then told by the body). */
  readonly path: string | null;
  /** Value of one request header by its lower-case name; the names the sidecar owns are absent. */
  header(name: string): string | undefined;
  /** The body's bytes as received, unchanged until the decision is given; null where there is none. */
  readonly body: Uint8Array | null;
  /** False where `body` is only the beginning of what the client sends. */
  readonly isBodyComplete: boolean;
  /** Bytes of the whole body where the edge knows it (content-length of a cut-off body). */
  readonly wholeBodyBytes?: number;
  /** `ip:port` or bare `ip` (all its ports) that may be picked; null: every endpoint, empty: none. */
  readonly subset: readonly string[] | null;
  /** Endpoints that were tried already and must not be picked, null on the first try. */
  readonly excluded: ReadonlySet<EndpointId> | null;
  /** Whether the edge sees the response and will tell the ticket about it; else the ledger infers. */
  readonly observesResponse: boolean;
  /** What the headers ask, where they ask anything; kept in the decision's record. No filter or scorer reads it. */
  readonly control?: RequestControl;
}

/** What decided, the value of `x-warmroute-reason`. */
export type RouteReason = 'prefix' | 'approximate' | 'load' | 'session' | `fallback-${string}`;

/** What an engine's `usage` says about one request. */
export interface ObservedUsage {
  readonly promptTokens: number;
  /** Null where the engine does not report it. */
  readonly cachedTokens: number | null;
  readonly completionTokens: number;
}

/**
 * Why a routed request ended without its tokens. `connect`: nothing was sent, the connection was refused or timed out;
 * `upstream`: it broke before the response's end; `error-status`: the engine answered whole with a status of 400 or more,
 * so that the prompt was not computed; `client-abort`: the client went away.
 */
export type RouteFailure = 'connect' | 'upstream' | 'error-status' | 'client-abort';

/**
 * What an edge that observes the response owes for a routed request: exactly one of `finished` and `failed`, and before
 * it `firstToken` if one came. Every call after the ending one, and every second `firstToken`, does nothing. Where
 * `observesResponse` was false the edge calls nothing.
 */
export interface RouteTicket {
  /** The first byte of generated content arrived. */
  firstToken(): void;
  /** The response ended whole; `usage` is null where none was seen in it. */
  finished(usage: ObservedUsage | null): void;
  failed(cause: RouteFailure): void;
}

/** An endpoint was picked. */
export interface RoutedDecision {
  readonly kind: 'routed';
  readonly id: DecisionId;
  readonly pool: PoolName;
  readonly endpoint: Endpoint;
  /** Value of `X-data-parallel-rank` for the engine, null where the address serves one rank only. */
  readonly rankHeader: number | null;
  readonly reason: RouteReason;
  /** Tokens in the prompt, null where it was not tokenized. */
  readonly promptTokens: number | null;
  /** Of them, tokens predicted to be in the pick's cache; null where nothing is predicted. */
  readonly cachedTokens: number | null;
  /** Further endpoints in order of preference, without the pick. */
  readonly fallbacks: readonly Endpoint[];
  readonly ticket: RouteTicket;
  /**
   * The prompt's token ids for the engine, where the pool wants them handed over and they are the engine's own: those of a
   * whole chat without media, or of a completion of one text. Null from the second call on, for they are let go of. Absent
   * where nothing is handed over.
   */
  takeTokenIds?(): HandedTokenIds | null;
}

/** Token ids, and where in the request's body the engine takes them. */
export interface HandedTokenIds {
  readonly member: TokenIdsMember;
  readonly tokenIds: Int32Array;
}

/** Nothing may be picked: the pool is empty, all its endpoints are excluded, failing or outside the subset. */
export interface NoEndpointDecision {
  readonly kind: 'no-endpoint';
  readonly id: DecisionId;
  /** Null where no pool serves the request's model and there is more than one. */
  readonly pool: PoolName | null;
}

/** Admission refused the request. */
export interface RefusedDecision {
  readonly kind: 'refused';
  readonly id: DecisionId;
  readonly pool: PoolName;
  /** Value of `retry-after`, at least 1. */
  readonly retryAfterSeconds: number;
}

/** Outcome of routing one request. None of the variants is an error. */
export type Decision = RoutedDecision | NoEndpointDecision | RefusedDecision;

/** What edges ask. Never throws for anything a client sends; a rejected promise is a bug and answered as `internal`. */
export interface Router {
  /** Books the work on the pick at once; a promise where a remote tokenizer is asked or a prompt has much new text. */
  route(request: RouteRequest): Decision | Promise<Decision>;
}

/** Milliseconds spent in each step of one decision; a step that was not reached is absent. */
export interface StepDurations {
  readonly parse?: number;
  readonly tokenize?: number;
  readonly match?: number;
  readonly schedule?: number;
}

/** How one candidate fared in a decision, as the admin API shows it. */
export interface CandidateRecord {
  /** `host:port`. */
  readonly endpoint: string;
  readonly name: string;
  readonly rank: number;
  readonly cachedTokens: number;
  /** Score in [0, 1] by scorer type; empty where a filter removed the candidate. */
  readonly scores: Readonly<Record<string, number>>;
  readonly total: number;
  /** Type of the filter that removed it, else null. */
  readonly removedBy: string | null;
}

/** One decision as `GET /api/v1/decisions/ID` and `POST /api/v1/explain` show it; JSON-safe. */
export interface DecisionRecord {
  readonly id: DecisionId;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly pool: PoolName | null;
  readonly model: ModelName | null;
  readonly api: ApiKind;
  readonly promptTokens: number | null;
  /** `host:port` of the pick, null where none was made. */
  readonly endpoint: string | null;
  /** Its data-parallel rank, 0 where it has only one; null where no pick was made. */
  readonly rank: number | null;
  /** Why, or for requests without a pick the {@link Decision}'s kind. */
  readonly reason: RouteReason | 'no-endpoint' | 'refused';
  readonly predictedCachedTokens: number | null;
  /** What the engine reported, null until it is known. */
  readonly actualCachedTokens: number | null;
  /** Why the two differ; absent where they do not, or where one is not known. */
  readonly missReason?: MissReason;
  readonly durationsMs: StepDurations;
  readonly candidates: readonly CandidateRecord[];
  /** What the request's headers asked; absent where they asked nothing. */
  readonly control?: RequestControl;
}

/** A decision that was not carried out, for `POST /api/v1/explain`. */
export interface Explanation {
  readonly record: DecisionRecord;
  /** The prompt's token ids, first sequence; null where it could not be tokenized. */
  readonly tokenIds: Int32Array | null;
}
