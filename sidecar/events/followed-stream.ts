import { type Endpoint, type EndpointId, SidecarError } from '../core/index.ts';
import type { Holder } from '../kvindex/index.ts';
import { engineAdapters } from './engines/registry.ts';
import { type AppliedHook, BatchApplier } from './stream/batch-applier.ts';
import { EventStream } from './stream/event-stream.ts';
import { LossLedger } from './stream/loss-ledger.ts';
import { Orphans } from './stream/orphans.ts';
import type { StreamTiming } from './stream/timing.ts';
import type { StreamStatus, StreamsOptions } from './streams-port.ts';
import type { OpenSocket } from './transport.ts';

/** What a {@link FollowedStream} needs besides its endpoint. */
export interface FollowedStreamOptions extends Omit<StreamsOptions, 'timing' | 'onApplied' | 'onChanged'> {
  readonly timing: StreamTiming;
  readonly holder: Holder;
  /** Whether the holder was registered here, so that it must be removed here. */
  readonly ownsHolder: boolean;
  readonly onApplied: AppliedHook;
  readonly onChanged: (endpoint: EndpointId) => void;
}

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
  readonly reject: (failure: SidecarError) => void;
}

/** One endpoint's stream with its socket, its holder in the index, and those who wait for a number to be applied. */
export class FollowedStream {
  readonly stream: EventStream;
  readonly holder: Holder;
  readonly #endpoint: Endpoint;
  readonly #options: FollowedStreamOptions;
  readonly #closing = new AbortController();
  #waiters: readonly Waiter[] = [];
  #socket: OpenSocket | null = null;

  constructor(endpoint: Endpoint, options: FollowedStreamOptions) {
    const { timing, transport, pool, clock, metrics, index, holder, onApplied } = options;
    const labels = { endpoint: endpoint.id, pool };
    const ledger = new LossLedger();
    const orphans = new Orphans({ maxBlocks: timing.maxOrphanBlocks, maxAgeMs: timing.maxOrphanAgeMs });
    this.#endpoint = endpoint;
    this.#options = options;
    this.holder = holder;
    this.stream = new EventStream({
      ...options,
      logger: options.logger.child({ room: 'events', endpoint: endpoint.id }),
      endpoint,
      labels,
      ledger,
      adapter: engineAdapters[endpoint.engine],
      applier: new BatchApplier({ endpoint, holder, index, ledger, orphans, clock, metrics, labels, onApplied }),
      replay: endpoint.replayAddress === null ? null : transport.replayFrom(endpoint.replayAddress),
      onProgress: (lastSequence) => this.#resolveWaiters(lastSequence),
      onChanged: () => options.onChanged(endpoint.id),
    });
  }

  /** Dials the events address, and asks the engine for addresses that are not configured. */
  dial(): void {
    const { eventsAddress, replayAddress } = this.#endpoint;
    const canAsk = this.#options.sourcesOf !== undefined;
    if (eventsAddress !== null) this.#subscribe(eventsAddress);
    else if (!canAsk) this.stream.close('not-configured');
    if (canAsk && (eventsAddress === null || replayAddress === null)) void this.#discover();
  }

  status(): StreamStatus {
    return { endpoint: this.#endpoint.id, ...this.stream.report() };
  }

  /** Resolves when every batch up to `sequence` is dealt with. */
  applied(sequence: number): Promise<void> {
    const { lastSequence } = this.stream;
    if (lastSequence !== null && lastSequence >= sequence) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters = [...this.#waiters, { sequence, resolve, reject }];
    });
  }

  /** Ends the stream; resolves when its socket is closed. */
  async close(): Promise<void> {
    const { index, ownsHolder } = this.#options;
    this.#closing.abort();
    this.stream.close('unfollowed');
    for (const { reject } of this.#waiters) reject(new SidecarError('shutting-down', 'endpoint is no longer followed'));
    this.#waiters = [];
    if (ownsHolder) index.removeHolder(this.holder);
    await this.#socket?.close();
  }

  #subscribe(address: string): void {
    const { transport, logger } = this.#options;
    try {
      this.#socket = transport.subscribe(address, {
        onFrames: (frames) => this.stream.receive(frames),
        onConnected: () => this.stream.connected(),
        onDisconnected: () => this.stream.disconnected(),
      });
    } catch (failure) {
      const { code, message } = SidecarError.from(failure, 'invalid-argument');
      logger.error('events address is not usable', { endpoint: this.#endpoint.id, address, code, message });
      this.stream.close('not-configured');
    }
  }

  async #discover(): Promise<void> {
    const { sourcesOf, transport, logger } = this.#options;
    const { signal } = this.#closing;
    const sources = await sourcesOf?.(this.#endpoint, signal).catch(() => null);
    if (signal.aborted) return;
    const source = sources?.find(({ rank }) => rank === this.#endpoint.rank) ?? null;
    logger.debug('asked engine for its event sources', { endpoint: this.#endpoint.id, found: source !== null });
    if (source !== null && source.replayAddress !== null && this.#endpoint.replayAddress === null) {
      this.stream.useReplay(transport.replayFrom(source.replayAddress));
    }
    if (this.#endpoint.eventsAddress !== null) return;
    if (source === null) this.stream.close('not-configured');
    else this.#subscribe(source.eventsAddress);
  }

  #resolveWaiters(lastSequence: number): void {
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter(({ sequence }) => sequence <= lastSequence);
    this.#waiters = this.#waiters.filter(({ sequence }) => sequence > lastSequence);
    for (const { resolve } of due) resolve();
  }
}
