import { type EndpointId, SidecarError } from '../core/index.ts';
import { engineAdapters } from './engines/registry.ts';
import { FollowedStream } from './followed-stream.ts';
import { defaultTiming } from './stream/timing.ts';
import type { TrustView } from './stream/trust.ts';
import type { Streams, StreamsOptions } from './streams-port.ts';
import { TopicRouter } from './topic-router.ts';
import type { OpenSocket } from './transport.ts';

const unknownTrust: TrustView = { trust: 'fallback', reason: 'not-configured', missingShare: 1 };

/** Creates the set of streams of one pool. Opens nothing before `start` or `follow`. */
export const createStreams = (options: StreamsOptions): Streams => {
  const { pool, index, transport, logger, metrics } = options;
  const bind = options.bind ?? null;
  const timing = { ...defaultTiming, ...options.timing };
  const followed = new Map<EndpointId, FollowedStream>();
  const closing = new Set<Promise<void>>();
  const router = new TopicRouter({
    adapterOf: (endpoint) => engineAdapters[endpoint.engine],
    onFrame: (id, frame) => followed.get(id)?.stream.accept(frame),
    logger,
    metrics,
    labels: { pool },
  });
  let boundSocket: OpenSocket | null = null;
  let isHeld = options.isHeld ?? false;

  const awaitClosing = (closed: Promise<void>): void => {
    const done = closed.finally(() => closing.delete(done));
    closing.add(done);
  };

  const unfollow = (id: EndpointId): void => {
    const entry = followed.get(id);
    if (entry === undefined) return;
    followed.delete(id);
    router.remove(id);
    awaitClosing(entry.close());
    metrics.forget({ endpoint: id, pool });
  };

  const stop = async (): Promise<void> => {
    for (const id of [...followed.keys()]) unfollow(id);
    if (boundSocket !== null) awaitClosing(boundSocket.close());
    boundSocket = null;
    await Promise.all(closing);
  };

  const entryOf = (id: EndpointId): FollowedStream => {
    const entry = followed.get(id);
    if (entry !== undefined) return entry;
    throw new SidecarError('not-found', 'endpoint is not followed', { details: { endpoint: id } });
  };

  return {
    start: async (signal) => {
      signal.addEventListener('abort', () => void stop(), { once: true });
      if (bind === null) return null;
      const socket = await transport.bind(bind, {
        onFrames: (frames) => router.route(frames),
        onConnected: () => {},
        onDisconnected: () => {},
      });
      boundSocket = socket;
      return socket.address;
    },
    follow: (endpoint, holder) => {
      if (followed.has(endpoint.id)) {
        throw new SidecarError('invalid-argument', 'endpoint is followed already', {
          details: { endpoint: endpoint.id },
        });
      }
      const entry = new FollowedStream(endpoint, {
        ...options,
        timing,
        isHeld,
        ownsHolder: holder === undefined,
        holder: holder ?? index.addHolder(endpoint.id),
        onApplied: options.onApplied ?? (() => {}),
        onChanged: options.onChanged ?? (() => {}),
      });
      followed.set(endpoint.id, entry);
      if (bind === null) {
        entry.dial();
      } else {
        router.add(endpoint);
        entry.stream.connected();
      }
    },
    unfollow,
    holderOf: (id) => followed.get(id)?.holder ?? null,
    status: (id) => followed.get(id)?.status() ?? null,
    statuses: () => [...followed.values()].map((entry) => entry.status()),
    trust: (id) => followed.get(id)?.stream.trust() ?? unknownTrust,
    firstReplayDone: (id) => followed.get(id)?.stream.isSettled ?? true,
    applied: async (id, sequence) => entryOf(id).applied(sequence),
    verify: (id) => followed.get(id)?.stream.verify(),
    notifyTraffic: (id) => followed.get(id)?.stream.servedTraffic(),
    notifyRestart: (id, notice) => followed.get(id)?.stream.restarted(notice),
    notifyCleared: (id, reason) => followed.get(id)?.stream.cleared(reason),
    position: (id) => followed.get(id)?.stream.position() ?? null,
    adopt: async (id, warm) => entryOf(id).stream.adopt(warm),
    release: () => {
      isHeld = false;
      for (const { stream } of followed.values()) stream.release();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
};
