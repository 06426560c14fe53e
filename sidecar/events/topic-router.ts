import {
  type Endpoint,
  type EndpointId,
  type Logger,
  type MetricLabels,
  type Metrics,
  SidecarError,
} from '../core/index.ts';
import type { EngineAdapter } from './engines/adapter.ts';
import { decodeLiveFrame, type LiveFrame } from './frames.ts';
import { endpointsOfTopic } from './topics.ts';

/** Distinct unknown topics that are named in the log before it falls silent. */
const maxNamedTopics = 64;

/** What a {@link TopicRouter} works with. */
export interface TopicRouterOptions {
  readonly adapterOf: (endpoint: Endpoint) => EngineAdapter;
  readonly onFrame: (endpoint: EndpointId, frame: LiveFrame) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Labels of the pool. */
  readonly labels: MetricLabels;
}

/**
 * Tells apart the streams that arrive over one bound socket: by topic, and by the batch's rank where one address has
 * several. Messages that belong to no endpoint are counted, and each unknown topic is named once.
 */
export class TopicRouter {
  readonly #options: TopicRouterOptions;
  readonly #endpoints = new Map<EndpointId, Endpoint>();
  readonly #byTopic = new Map<string, readonly Endpoint[]>();
  readonly #named = new Set<string>();

  constructor(options: TopicRouterOptions) {
    this.#options = options;
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.id, endpoint);
    this.#byTopic.clear();
  }

  remove(endpoint: EndpointId): void {
    this.#endpoints.delete(endpoint);
    this.#byTopic.clear();
  }

  /** Hands a live message to the endpoint it is from. Never throws for what it holds. */
  route(frames: readonly Uint8Array[]): void {
    const { metrics, labels, onFrame } = this.#options;
    try {
      const frame = decodeLiveFrame(frames);
      const endpoint = this.#endpointOf(frame);
      if (endpoint !== null) onFrame(endpoint.id, frame);
      else metrics.count('event_frames_unrouted_total', labels);
    } catch (failure) {
      if (SidecarError.from(failure, 'internal').code !== 'malformed-frame') throw failure;
      metrics.count('event_frames_unrouted_total', labels);
    }
  }

  #endpointOf(frame: LiveFrame): Endpoint | null {
    const candidates = this.#candidates(frame.topic);
    const [first] = candidates;
    if (first === undefined) {
      this.#name(frame.topic);
      return null;
    }
    if (candidates.length === 1) return first;
    const { rank } = this.#options.adapterOf(first).peek(frame.payload);
    const ofRank = candidates.filter((endpoint) => endpoint.rank === (rank ?? 0));
    if (ofRank.length === 1) return ofRank[0] ?? null;
    this.#name(frame.topic);
    return null;
  }

  #candidates(topic: string): readonly Endpoint[] {
    let candidates = this.#byTopic.get(topic);
    if (candidates === undefined) {
      candidates = endpointsOfTopic(topic, [...this.#endpoints.values()]);
      if (candidates.length > 0) this.#byTopic.set(topic, candidates);
    }
    return candidates;
  }

  #name(topic: string): void {
    if (this.#named.has(topic) || this.#named.size >= maxNamedTopics) return;
    this.#named.add(topic);
    this.#options.logger.warn('events under a topic that fits no endpoint', { topic: topic.slice(0, 256) });
  }
}
