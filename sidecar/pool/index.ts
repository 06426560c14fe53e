/**
 * pool: the endpoints right now: immutable snapshots, change notice, scraped load, ledgers of requests in flight.
 * Written to by `discovery` (through app), its own scrapers, and `routing` (ledgers).
 * Read by `scheduling` (snapshot types), `routing`, `events` (who to follow).
 * Snapshots are frozen and replaced whole; listeners are told in order of change.
 * Metric names are vLLM's (vllm/v1/metrics/loggers.py) and SGLang's.
 */
export { loadOf } from './endpoint-load.ts';
export { readEngineReport } from './engine-figures.ts';
export { createHttpGet, type HttpAnswer, type HttpGet } from './http-get.ts';
export {
  createInferredLedger,
  type InferredBooking,
  type InferredEntry,
  type InferredLedger,
} from './inferred-ledger.ts';
export {
  createLedger,
  type Ledger,
  type LedgerEntry,
} from './ledger.ts';
export { createPool, type Pool, type RestartNotice } from './pool.ts';
export type { PoolMember } from './roster.ts';
export { parseServedModels } from './served-models.ts';
export type {
  EndpointLoad,
  EndpointState,
  InFlightWork,
  PoolSnapshot,
} from './snapshot.ts';
export { createWorkTally } from './work-tally.ts';
