import type { Clock, Endpoint, EndpointId, Logger, Metrics, PoolName, Random } from '../core/index.ts';
import type { Holder, PrefixIndexWriter } from '../kvindex/index.ts';
import type { EventSource } from './event-sources.ts';
import type { ReplayGate } from './replay-gate.ts';
import type { AppliedHook } from './stream/batch-applier.ts';
import type { AdoptionOutcome, StreamPosition, WarmState } from './stream/stream-position.ts';
import type { StreamReport } from './stream/stream-report.ts';
import type { StreamTiming } from './stream/timing.ts';
import type { TrustView } from './stream/trust.ts';
import type { EventTransport } from './transport.ts';
import type { TurnQueue } from './turn-queue.ts';

/** One endpoint's stream as of now, for routing, the admin API and `doctor`. */
export interface StreamStatus extends StreamReport {
  readonly endpoint: EndpointId;
}

/** What `createStreams` needs. One set follows one pool; `gate` and `turns` are shared by all of the process. */
export interface StreamsOptions {
  readonly pool: PoolName;
  readonly index: PrefixIndexWriter;
  readonly transport: EventTransport;
  readonly gate: ReplayGate;
  readonly turns: TurnQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** ZeroMQ address to bind where engines dial the sidecar; null (the default) dials each endpoint's events address. */
  readonly bind?: string | null;
  /** Told of each event once it is applied. */
  readonly onApplied?: AppliedHook;
  /** Told after each change of an endpoint's state or trust; `status` has it. */
  readonly onChanged?: (endpoint: EndpointId) => void;
  /** Asks an engine for its event and replay addresses; asked once for an endpoint where either is not configured. */
  readonly sourcesOf?: (endpoint: Endpoint, signal: AbortSignal) => Promise<readonly EventSource[] | null>;
  readonly timing?: Partial<StreamTiming>;
  /**
   * Whether content of elsewhere is awaited (default no): until `release`, what is missing before the first batch of an
   * endpoint is not given up where no replay brings it; live batches wait, as many as during a replay.
   */
  readonly isHeld?: boolean;
}

/** The event streams of a pool's endpoints. Endpoints not followed are answered for as `fallback`. */
export interface Streams extends AsyncDisposable {
  /** Opens the bound socket where one is configured and returns its address, else null. Throws `listen-failed`. */
  start(signal: AbortSignal): Promise<string | null>;
  /**
   * Subscribes to an endpoint's events, with a holder of the index that the caller registered, or one that is registered here
   * and removed by `unfollow`. Throws `invalid-argument` when the endpoint is followed already.
   */
  follow(endpoint: Endpoint, holder?: Holder): void;
  /** Ends a subscription; no-op for an endpoint that is not followed. */
  unfollow(endpoint: EndpointId): void;
  /** Null where the endpoint is not followed. */
  holderOf(endpoint: EndpointId): Holder | null;
  /** Null where the endpoint is not followed. */
  status(endpoint: EndpointId): StreamStatus | null;
  /** Status of every endpoint, in order of following. */
  statuses(): readonly StreamStatus[];
  /** As in `status`; cheap enough for each decision. */
  trust(endpoint: EndpointId): TrustView;
  /** Whether the first replay is done or given up; true where there is none to wait for. */
  firstReplayDone(endpoint: EndpointId): boolean;
  /**
   * Resolves when every batch up to `sequence` is dealt with. Rejects with `not-found` for an endpoint that is not followed,
   * with `shutting-down` when following ends first.
   */
  applied(endpoint: EndpointId, sequence: number): Promise<void>;
  /** Asks the engine at once whether anything was missed. */
  verify(endpoint: EndpointId): void;
  /** A request was answered that must have stored at least one block: events came or are due. */
  notifyTraffic(endpoint: EndpointId): void;
  /** Another process answers at the address; `startedAtSeconds` is when it started, Unix time, where known. */
  notifyRestart(endpoint: EndpointId, notice: { readonly reason: string; readonly startedAtSeconds?: number }): void;
  /** The cache was emptied, as seen elsewhere: sleep, or a reset that passed through the proxy. */
  notifyCleared(endpoint: EndpointId, reason: string): void;
  /**
   * Where an endpoint's stream stands as of now, so that its part of the index can be handed on. Null where it is not
   * followed, or nothing of it is known.
   */
  position(endpoint: EndpointId): StreamPosition | null;
  /**
   * Takes on content that another process had of an endpoint, if less is missing from it than from what is known here and
   * it is proven to be of the engine's process that answers now. `load` fills the holder, which is empty then, in steps.
   * Rejects with `not-found` for an endpoint that is not followed, and with what `load` throws.
   */
  adopt(endpoint: EndpointId, warm: WarmState): Promise<AdoptionOutcome>;
  /** No content of elsewhere is awaited any more. */
  release(): void;
  /** Ends all subscriptions; resolves when no socket is open. */
  stop(): Promise<void>;
}
