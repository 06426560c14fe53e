import type { Endpoint, PoolName } from '../core/index.ts';

/** What an engine last reported about itself in `/metrics`. Null where it does not report a figure. */
export interface EndpointLoad {
  readonly running: number;
  readonly waiting: number;
  /** Share of KV memory in use, 0 to 1; 0 where it is not reported. */
  readonly kvUsage: number;
  /** When the scrape was sent and when it was read, by the clock's `now`. */
  readonly sentAtMs: number;
  readonly readAtMs: number;
  /** Cache capacity in tokens. */
  readonly kvCapacityTokens: number | null;
  readonly blockSize: number | null;
  readonly prefixCachingEnabled: boolean | null;
  /** Unix seconds at which the engine's process started. */
  readonly processStartSeconds: number | null;
  readonly isAsleep: boolean;
  /** Counters since the engine's start, in tokens. */
  readonly prefixCacheQueries: number | null;
  readonly prefixCacheHits: number | null;
  /** Counter since the engine's start: requests whose first token was produced. */
  readonly firstTokens: number | null;
  /** Counter since the engine's start: requests that ended. Engines may leave out those that were aborted. */
  readonly finishedRequests: number | null;
}

/** Whether requests may be sent to an endpoint. `failing`: connections are refused; tried again from time to time. */
export type EndpointHealth = 'unknown' | 'ready' | 'failing';

/** One endpoint as of a snapshot. Frozen. */
export interface EndpointState {
  readonly endpoint: Endpoint;
  readonly health: EndpointHealth;
  /** True once the endpoint is going away: no new requests, its blocks are kept until it is gone. */
  readonly isTerminating: boolean;
  /** Last scrape; null before the first and when it is stale (three misses in a row). */
  readonly load: EndpointLoad | null;
  /** Models served, base first; null until the engine was asked. */
  readonly models: readonly ServedModel[] | null;
}

/** One entry of an engine's `/v1/models`. */
export interface ServedModel {
  readonly id: string;
  /** Base model's id where this is a LoRA adapter, else null. */
  readonly parent: string | null;
  readonly maxModelLength: number | null;
}

/** All endpoints of a pool at one moment. Frozen; replaced whole on each change. */
export interface PoolSnapshot {
  readonly pool: PoolName;
  /** Grows by 1 with each change. */
  readonly version: number;
  readonly endpoints: readonly EndpointState[];
}

/** Requests in flight on one endpoint, from own decisions. */
export interface InFlightWork {
  readonly requests: number;
  /** Prompt tokens of all requests in flight (the C term of docs/adr/0006, without the new request). */
  readonly promptTokens: number;
  /** Uncached tokens still to be prefilled of requests that have no first token yet (the Q term). */
  readonly uncachedTokens: number;
  /** Requests that have no first token yet. */
  readonly awaitingFirstToken: number;
}
