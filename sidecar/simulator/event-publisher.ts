import { XPublisher } from 'zeromq';
import { type Clock, delay, type Random, SidecarError } from '../core/index.ts';
import type { CacheEvent } from './cache-event.ts';
import { type BatchSelector, type EngineFaults, noFaults } from './engine-faults.ts';
import type { EncodeBatch } from './event-encoder.ts';
import { type PublishedBatch, PublishedBatches, sequenceFrame } from './published-batches.ts';
import { bindSocket } from './zeromq-bind.ts';

/** What a publisher of one rank's events needs. */
export interface EventPublisherOptions {
  readonly encode: EncodeBatch;
  /** First frame of every message, maybe empty. */
  readonly topic: string;
  readonly rank: number;
  /** Batches kept for replay. */
  readonly replayBatches: number;
  readonly clock: Clock;
  /** Draws which batches a fault strikes. */
  readonly random: Random;
}

/** Messages a slow subscriber's pipe holds before further ones are dropped for it (vLLM's default). */
const highWaterMark = 100_000;

/**
 * Publishes event batches in vLLM's three frames (topic, sequence, payload), numbered from 0. It is an XPUB on the wire
 * side of a PUB, so that it knows its subscribers. Batches go out in order unless a fault is switched on.
 */
export class EventPublisher {
  readonly batches: PublishedBatches;
  readonly #options: EventPublisherOptions;
  readonly #socket = new XPublisher({ linger: 0, sendHighWaterMark: highWaterMark });
  readonly #closing = new AbortController();
  #faults: EngineFaults = noFaults;
  #stalled: PublishedBatch[] = [];
  #overtaken: PublishedBatch[] = [];
  #outbox: Promise<void> = Promise.resolve();
  #subscribers = 0;
  #onSubscriber: (() => void)[] = [];

  constructor(options: EventPublisherOptions) {
    this.#options = options;
    this.batches = new PublishedBatches(options.replayBatches);
    this.#socket.verbosity = 'allSubsUnsubs';
  }

  /** Opens the socket; returns the address, with the port that a `*` stood for. Throws `listen-failed`. */
  async start(address: string, mode: 'bind' | 'connect'): Promise<string> {
    if (mode === 'connect') this.#socket.connect(address);
    const bound = mode === 'connect' ? address : await bindSocket(this.#socket, address);
    void this.#watchSubscribers();
    return bound;
  }

  stop(): void {
    this.#closing.abort();
    this.#socket.close();
  }

  /** Resolves when at least `count` subscriptions are open. */
  async subscribed(count: number): Promise<void> {
    while (this.#subscribers < count) await new Promise<void>((resolve) => this.#onSubscriber.push(resolve));
  }

  /** Numbers one step's events and sends them. */
  publish(events: readonly CacheEvent[]): void {
    const { encode, clock, rank } = this.#options;
    const batch = this.batches.add(encode({ atSeconds: clock.wallNow() / 1000, events, rank }));
    if (this.#faults.isStalled) this.#stalled.push(batch);
    else this.#pass(batch);
  }

  /** Changes what strikes the batches to come; held-back ones go out where their fault ends. */
  setFaults(faults: EngineFaults): void {
    this.#faults = faults;
    if (faults.reorder === 0) this.#releaseOvertaken();
    if (faults.isStalled) return;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const batch of stalled) this.#pass(batch);
  }

  #pass(batch: PublishedBatch): void {
    if (this.#strikes(this.#faults.drop, batch)) return;
    const copies = this.#strikes(this.#faults.duplicate, batch) ? [batch, batch] : [batch];
    if (this.#overtaken.length === 0 && this.#strikes(this.#faults.reorder, batch)) {
      this.#overtaken = copies;
      return;
    }
    for (const copy of copies) this.#send(copy);
    this.#releaseOvertaken();
  }

  #releaseOvertaken(): void {
    const overtaken = this.#overtaken;
    this.#overtaken = [];
    for (const batch of overtaken) this.#send(batch);
  }

  #strikes(selector: BatchSelector, { sequence }: PublishedBatch): boolean {
    if (typeof selector === 'function') return selector(sequence);
    return selector > 0 && this.#options.random() < selector;
  }

  #send(batch: PublishedBatch): void {
    const delayMs = this.#strikes(this.#faults.delay, batch) ? this.#faults.delayMs : 0;
    const { clock, topic } = this.#options;
    const { signal } = this.#closing;
    const frames = [topic, sequenceFrame(batch.sequence), batch.payload];
    this.#outbox = this.#outbox.then(async () => {
      if (delayMs > 0) await delay(clock, delayMs, signal).catch(() => {});
      if (!signal.aborted) await this.#socket.send(frames).catch((failure: unknown) => this.#onSendFailure(failure));
    });
  }

  #onSendFailure(failure: unknown): void {
    if (!this.#closing.signal.aborted) throw SidecarError.from(failure, 'internal');
  }

  async #watchSubscribers(): Promise<void> {
    for await (const [notice] of this.#socket) {
      this.#subscribers += notice?.[0] === 1 ? 1 : -1;
      const waiting = this.#onSubscriber;
      this.#onSubscriber = [];
      for (const resume of waiting) resume();
    }
  }
}
