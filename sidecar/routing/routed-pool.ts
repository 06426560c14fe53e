import type { EndpointId, Medium, PoolName, Trust } from '../core/index.ts';
import type { Holder, PrefixIndexReader, RoutingHistory } from '../kvindex/index.ts';
import type { PoolSnapshot } from '../pool/index.ts';
import type { PromptEncoder } from '../prompt/index.ts';
import type { Profile } from '../scheduling/index.ts';
import type { InFlight } from './in-flight.ts';

/** How far the index's view of one endpoint can be relied on. */
export interface EndpointTrust {
  readonly trust: Trust;
  /** Share of the endpoint's history that is not known, 0 (`exact`) to 1. */
  readonly missingShare: number;
}

/** One pool as routing sees it: read ports of the rooms that know it, and the pool's own in-flight requests. */
export interface RoutedPool {
  readonly name: PoolName;
  /** Values of a request's `model` that belong here; null: those that the endpoints report. */
  readonly models: readonly string[] | null;
  readonly profile: Profile;
  /** Whether edges hand the prompt's token ids to the engine, which then need not tokenize again. Default false. */
  readonly passesTokenIds?: boolean;
  /** What a block counts for in scheduling by the medium it lies on, in [0, 1]; default 1 on every medium. */
  readonly mediumWeight?: (medium: Medium) => number;
  readonly index: PrefixIndexReader;
  readonly history: RoutingHistory;
  readonly inFlight: InFlight;
  snapshot(): PoolSnapshot;
  /** Null while no tokenizer could be loaded. */
  encoder(): PromptEncoder | null;
  /** Number in the index; undefined for an endpoint that has just gone. */
  holderOf(endpoint: EndpointId): Holder | undefined;
  trustOf(endpoint: EndpointId): EndpointTrust;
  /** A connection to the endpoint was refused, or an answer came. */
  reportConnection(endpoint: EndpointId, outcome: 'refused' | 'answered'): void;
  /**
   * A request that empties the engine's cache is on its way there; to be called back once the engine carried it out. A clear
   * that the engine's events told meanwhile is not repeated.
   */
  expectClear(endpoint: EndpointId): () => void;
  /** The engine computed a prompt of which so many tokens were not cached: events of at least one block came or are due. */
  reportComputed(endpoint: EndpointId, uncachedTokens: number): void;
}

/** The pools right now, in order of configuration. */
export interface PoolDirectory {
  pools(): readonly RoutedPool[];
}
