/**
 * pool: the endpoints right now: immutable snapshots, change notice, scraped load, ledger of requests in flight.
 * Written to by `discovery` (through app), its own scrapers, and `routing` (ledger).
 * Read by `scheduling` (snapshot types), `routing`, `events` (who to follow).
 * Snapshots are frozen and replaced whole; listeners are told in order of change.
 * Metric names are vLLM's (vllm/v1/metrics/loggers.py) and SGLang's.
 */
export type {
  EndpointHealth,
  EndpointLoad,
  EndpointState,
  InFlightWork,
  PoolSnapshot,
  ServedModel,
} from './snapshot.ts';
