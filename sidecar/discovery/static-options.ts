import type { EndpointRole, EngineKind } from '../core/index.ts';

/** One configured serving address. Absent keys have the defaults named. */
export interface StaticEndpointOptions {
  /** Name for people, unique in its pool. Default: the address. */
  readonly name?: string | undefined;
  /** `host:port` that serves the OpenAI API; IPv6 hosts in brackets. */
  readonly address: string;
  /**
   * ZeroMQ address of rank 0's events; a wildcard host (`tcp://*:5557`, as engines are told) stands for the address's
   * own. Default: the address's host, port 5557; none where engines dial the sidecar. Null: no events.
   */
  readonly events?: string | null | undefined;
  /** ZeroMQ address of rank 0's replay socket, a wildcard host as above. Default: none. */
  readonly replay?: string | null | undefined;
  /** URL of the metrics. Default: `http://ADDRESS/metrics`. Null: never scraped. */
  readonly metrics?: string | null | undefined;
  /** Ranks behind the address; more than 1 makes one endpoint a rank, with the rank added to event and replay ports. */
  readonly dataParallelSize?: number | undefined;
  /** Default: both. */
  readonly role?: EndpointRole | undefined;
}

/** One configured pool; the configuration's entry of `pools` is one. */
export interface StaticPoolOptions {
  readonly name: string;
  /** Default: what the engines report at `/v1/models`. */
  readonly models?: readonly string[] | undefined;
  /** Default: vllm. */
  readonly engine?: EngineKind | undefined;
  readonly tokenizer?: string | undefined;
  readonly discovery: { readonly static: readonly StaticEndpointOptions[] };
  /** ZeroMQ address to bind where engines dial the sidecar. */
  readonly events?: { readonly bind?: string | undefined } | undefined;
}
