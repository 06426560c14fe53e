import type { EndpointRole, Trust } from '../../core/index.ts';
import type { AuditReport, DecisionRecord, Explanation, RouteRequest } from '../../routing/index.ts';

/** One thing that must hold for the sidecar to be ready. */
export interface ReadinessCondition {
  /** Kebab-case, as `endpoints-known`. */
  readonly name: string;
  readonly isMet: boolean;
  readonly detail: string;
}

/** One endpoint as `GET /api/v1/endpoints` shows it; JSON-safe. Null where a figure is not known. */
export interface EndpointReport {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  readonly pool: string;
  readonly models: readonly string[];
  readonly rank: number;
  readonly role: EndpointRole;
  readonly trust: Trust;
  readonly trustReason: string | null;
  readonly blocks: number;
  /** Number of the last event batch applied, null before the first. */
  readonly lastSequence: number | null;
  readonly eventLagMs: number | null;
  readonly load: {
    readonly running: number;
    readonly waiting: number;
    readonly kvUsage: number;
    readonly ageMs: number;
  } | null;
  readonly inFlight: { readonly requests: number; readonly promptTokens: number; readonly uncachedTokens: number };
  /** Predictions beside what the engine reported. */
  readonly audit: AuditReport;
}

/** One pool's index as `GET /api/v1/index` shows it. */
export interface IndexReport {
  readonly pool: string;
  readonly blocks: number;
  /** (block, endpoint) pairs. */
  readonly pairs: number;
  readonly holders: number;
  readonly bytes: number;
  readonly evictedBlocks: number;
}

/** One pool as `GET /api/v1/pools` shows it. */
export interface PoolReport {
  readonly name: string;
  /** Values of a request's `model` that are configured to belong here; null: those that the endpoints report. */
  readonly models: readonly string[] | null;
  readonly profile: string;
  readonly endpoints: number;
  /** Block sizes that the endpoints' events show, in tokens. */
  readonly blockSizes: readonly number[];
  /** Where prompts' tokens come from: `exact`, `package`, `remote` or `text-chunks`, null while it is loading; and why. */
  readonly tokenizer: { readonly path: string | null; readonly detail: string };
  /** Mistakes in what defines the pool. */
  readonly mistakes: readonly string[];
}

/** Something to mend in what defines the pools or keeps them from being found, as `GET /api/v1/pools` shows it. */
export interface FindingReport {
  /** Kebab-case, as `access-denied`. */
  readonly code: string;
  /** `Service llm/qwen`, a resource, an endpoint. */
  readonly subject: string;
  readonly problem: string;
  /** What mends it, as an instruction. */
  readonly mend: string;
}

/** Everything the admin edge shows of other rooms; handed in by app. */
export interface AdminSource {
  /** Ready when every condition is met. */
  readiness(): readonly ReadinessCondition[];
  /** Prometheus text and its content type. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  endpoints(): readonly EndpointReport[];
  /** At most `limit` decisions, newest first. */
  decisions(limit: number): readonly DecisionRecord[];
  decision(id: string): DecisionRecord | undefined;
  /** The decision a request would get, without side effects. */
  explain(request: RouteRequest): Promise<Explanation>;
  index(): readonly IndexReport[];
  /**
   * What is known of endpoints, for another sidecar: those named by id, or all (null); with `headOnly` of none. Comes in
   * pieces as they are asked for, and is given up when it is ended early. Throws `unavailable` where it is too early.
   */
  dump(request: {
    readonly endpoints: readonly string[] | null;
    readonly headOnly: boolean;
  }): AsyncIterable<Uint8Array>;
  pools(): readonly PoolReport[];
  findings(): readonly FindingReport[];
}
