/**
 * routing: the Director: request → tokens → match → candidates → schedule → Decision; decision records for explain.
 * Written to by every edge through `Router` and the tickets it hands out.
 * Read by `gateway` edges and, through app's port, by the admin edge.
 * Promises a booking in the ledger before `route` returns, ended exactly once.
 * Reasons and record shapes are this project's own; header names follow the Gateway API Inference Extension.
 */
export { type Audit, type AuditReport, createAudit } from './audit.ts';
export type { MissReason } from './audit-sample.ts';
export type { Drift, DriftCause } from './audit-window.ts';
export { createDecisionLog, type DecisionLog } from './decision-log.ts';
export { createDirector, type Director, type DirectorOptions } from './director.ts';
export { type BookedRequest, type Booking, createInFlight, type InFlight } from './in-flight.ts';
export { createMediumWeights } from './medium-weights.ts';
export type { EndpointTrust, PoolDirectory, RoutedPool } from './routed-pool.ts';
export type {
  CandidateRecord,
  Decision,
  DecisionRecord,
  Explanation,
  HandedTokenIds,
  NoEndpointDecision,
  ObservedUsage,
  RefusedDecision,
  RequestControl,
  RoutedDecision,
  RouteFailure,
  RouteReason,
  RouteRequest,
  Router,
  RouteTicket,
  StepDurations,
} from './types.ts';
