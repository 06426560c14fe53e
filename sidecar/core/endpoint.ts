import type { EndpointId, PoolName } from './brands.ts';

/** Engine families whose event streams and metrics are understood. */
export type EngineKind = 'vllm' | 'sglang';

/** Part an endpoint plays where prefill and decode are separated. */
export type EndpointRole = 'both' | 'prefill' | 'decode';

/** One routable serving address, with its data-parallel rank where the engine has several. Immutable. */
export interface Endpoint {
  readonly id: EndpointId;
  /** Name for people: configured, or the Kubernetes pod's. */
  readonly name: string;
  readonly pool: PoolName;
  /** `host:port` that serves the OpenAI API; IPv6 hosts in brackets. */
  readonly address: string;
  /** Global data-parallel rank, 0 where there is only one. */
  readonly rank: number;
  /** Whether the address serves several ranks, so that a request must name its rank in `X-data-parallel-rank`. */
  readonly hasRanks: boolean;
  readonly role: EndpointRole;
  readonly engine: EngineKind;
  /** ZeroMQ address of the KV-event publisher (rank already added), null where none is configured. */
  readonly eventsAddress: string | null;
  /** ZeroMQ address of the replay socket (rank already added), null where there is none. */
  readonly replayAddress: string | null;
  /** URL of the Prometheus metrics, null where none is scraped. */
  readonly metricsUrl: string | null;
}

/** Where a block lives, by the word on vLLM's wire: `GPU`, `CPU`, … Upper-cased; `GPU` where the wire gives none. */
export type Medium = string;

/** How far the index's view of an endpoint can be relied on. */
export type Trust = 'exact' | 'degraded' | 'fallback';
