import type { DecisionId, Endpoint, PoolName } from '../core/index.ts';
import type { Audit } from './audit.ts';
import type { Expectation } from './audit-sample.ts';
import type { CandidateTable } from './candidate-table.ts';
import type { RememberedDecision } from './decision-record.ts';
import type { BookedRequest } from './in-flight.ts';
import type { RoutedPool } from './routed-pool.ts';
import type { HandedTokenIds, ObservedUsage, RoutedDecision, RouteFailure, RouteReason, RouteTicket } from './types.ts';

/** What a {@link BookedDecision} is made of. */
export interface BookedDecisionParts {
  readonly endpoint: Endpoint;
  readonly reason: RouteReason;
  readonly pool: RoutedPool;
  readonly booked: BookedRequest;
  readonly expected: Expectation;
  readonly audit: Pick<Audit, 'observe'>;
  /** Called once the engine answered. */
  readonly onAnswered: () => void;
  /** See {@link RoutedDecision.takeTokenIds}; null where nothing is handed over. */
  readonly takeTokenIds: (() => HandedTokenIds | null) | null;
}

/** Ends a decision's booking by what its edge saw, and tells what that says of the endpoint. */
class Ticket implements RouteTicket {
  readonly #decision: RoutedDecision;
  readonly #parts: BookedDecisionParts;
  #hasEnded = false;

  constructor(decision: RoutedDecision, parts: BookedDecisionParts) {
    this.#decision = decision;
    this.#parts = parts;
  }

  firstToken(): void {
    this.#parts.booked.firstToken();
  }

  finished(usage: ObservedUsage | null): void {
    if (!this.#end()) return;
    const { booked, endpoint, pool, audit, expected, onAnswered } = this.#parts;
    booked.finished();
    pool.reportConnection(endpoint.id, 'answered');
    onAnswered();
    if (usage === null) return;
    const cachedTokens = audit.observe(this.#decision, expected, usage);
    if (cachedTokens !== null) pool.reportComputed(endpoint.id, usage.promptTokens - cachedTokens);
  }

  failed(cause: RouteFailure): void {
    if (!this.#end()) return;
    const { booked, endpoint, pool } = this.#parts;
    booked.failed();
    if (cause === 'connect') pool.reportConnection(endpoint.id, 'refused');
    else if (cause === 'error-status') pool.reportConnection(endpoint.id, 'answered');
  }

  /** False where it has ended before. */
  #end(): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    return true;
  }
}

/** A decision whose work is booked on its pick. */
export class BookedDecision implements RoutedDecision {
  readonly kind = 'routed';
  readonly id: DecisionId;
  readonly pool: PoolName;
  readonly endpoint: Endpoint;
  readonly rankHeader: number | null;
  readonly reason: RouteReason;
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly ticket: RouteTicket;
  readonly takeTokenIds?: () => HandedTokenIds | null;
  readonly #candidates: CandidateTable;

  constructor({ id, promptTokens, cachedTokens, candidates }: RememberedDecision, parts: BookedDecisionParts) {
    const { endpoint, pool, reason, takeTokenIds } = parts;
    this.id = id;
    this.pool = pool.name;
    this.endpoint = endpoint;
    this.rankHeader = endpoint.hasRanks ? endpoint.rank : null;
    this.reason = reason;
    this.promptTokens = promptTokens;
    this.cachedTokens = cachedTokens;
    this.ticket = new Ticket(this, parts);
    if (takeTokenIds !== null) this.takeTokenIds = takeTokenIds;
    this.#candidates = candidates;
  }

  get fallbacks(): readonly Endpoint[] {
    return this.#candidates.ranking(this.endpoint);
  }
}
