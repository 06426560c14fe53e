import type { Endpoint, EngineKind, PoolName } from '../core/index.ts';
import type { Finding } from './finding.ts';

/** What is configured or annotated about a pool. */
export interface PoolDefinition {
  readonly name: PoolName;
  /** Values of a request's `model` that belong here; null: what the engines report at `/v1/models`. */
  readonly models: readonly string[] | null;
  readonly engine: EngineKind;
  /** Folder or hub id of the tokenizer, null where none is known. */
  readonly tokenizer: string | null;
  /** ZeroMQ address to bind where engines dial the sidecar, else null. */
  readonly eventsBind: string | null;
}

/** One endpoint with what its source says about its life. */
export interface DiscoveredEndpoint {
  readonly endpoint: Endpoint;
  readonly isTerminating: boolean;
  /** Changes when the process behind the address is another one (pod UID and restart count), null where unknown. */
  readonly incarnation: string | null;
}

/** One pool with its endpoints right now, and the mistakes found in what defines it. */
export interface DiscoveredPool {
  readonly definition: PoolDefinition;
  readonly endpoints: readonly DiscoveredEndpoint[];
  readonly mistakes: readonly string[];
}

/** Finds pools. */
export interface Discovery {
  /**
   * Begins finding; resolves after the first complete look (no pool at all counts). Calls `onChange` with every pool
   * whole, each time something changed, and at least once before it resolves. Ends when `signal` is aborted.
   */
  start(signal: AbortSignal, onChange: (pools: readonly DiscoveredPool[]) => void): Promise<void>;
  /** Health of the source, for `/readyz` and the admin API. */
  condition(): { readonly isHealthy: boolean; readonly detail: string };
  /** What a person should mend right now: in reaching the source, and in what it says. */
  findings(): readonly Finding[];
}
