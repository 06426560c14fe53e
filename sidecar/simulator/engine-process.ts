import { type Random, SidecarError, seededRandom } from '../core/index.ts';
import { EngineCore } from './engine-core.ts';
import type { EngineFaults } from './engine-faults.ts';
import type { ResolvedEngineOptions } from './engine-options.ts';
import { createEventEncoder } from './event-encoder.ts';
import { EventPublisher } from './event-publisher.ts';
import { ReplayServer } from './replay-server.ts';
import { rankAddress } from './zeromq-bind.ts';

/** ZeroMQ addresses of one rank. */
export interface RankAddresses {
  readonly eventsAddress: string;
  /** Null where there is no replay socket. */
  readonly replayAddress: string | null;
}

interface Rank {
  readonly core: EngineCore;
  readonly publisher: EventPublisher;
  readonly replay: ReplayServer;
}

/** Tries to find as many ports in a row as there are ranks. */
const portRunAttempts = 5;

/**
 * One life of an engine: its cores, caches, event streams and counters, all lost when it ends. Everything outside the
 * process (HTTP) reaches the engine through it.
 */
export class EngineProcess {
  readonly options: ResolvedEngineOptions;
  /** Seconds since the Unix epoch. */
  readonly startedAtSeconds: number;
  /** vLLM's sleep level, 0 while awake. */
  sleepLevel: 0 | 1 | 2 = 0;
  readonly #random: Random;
  #ranks: readonly Rank[] = [];
  #addresses: readonly RankAddresses[] = [];

  constructor(options: ResolvedEngineOptions) {
    this.options = options;
    this.startedAtSeconds = options.clock.wallNow() / 1000;
    this.#random = seededRandom(options.seed);
    this.#ranks = this.#createRanks();
  }

  get cores(): readonly EngineCore[] {
    return this.#ranks.map(({ core }) => core);
  }

  /** Bound addresses by rank; empty before `start`. */
  get addresses(): readonly RankAddresses[] {
    return this.#addresses;
  }

  /** Throws `invalid-argument` for a rank there is not; so does {@link publisher}. */
  core(rank: number): EngineCore {
    return this.#rank(rank).core;
  }

  publisher(rank: number): EventPublisher {
    return this.#rank(rank).publisher;
  }

  /** Opens every rank's sockets. Throws `listen-failed`. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#addresses = await this.#openRanks();
        return;
      } catch (failure) {
        this.stop();
        if (attempt === portRunAttempts || !this.options.eventsAddress.endsWith('*')) throw failure;
        this.#ranks = this.#createRanks();
      }
    }
  }

  /** Ends at once: nothing under way is finished. */
  stop(): void {
    for (const { core, publisher, replay } of this.#ranks) {
      core.stop();
      publisher.stop();
      replay.stop();
    }
  }

  async setFaults(faults: EngineFaults): Promise<void> {
    for (const { publisher, replay } of this.#ranks) {
      publisher.setFaults(faults);
      await replay.setBehaviour(faults.replay);
    }
  }

  /** Gives every request up, drops the caches and computes nothing until {@link resume}. */
  pause(): void {
    for (const core of this.cores) core.pause();
  }

  resume(): void {
    for (const core of this.cores) core.resume();
  }

  #rank(rank: number): Rank {
    const found = this.#ranks[rank];
    if (found === undefined) throw new SidecarError('invalid-argument', `there is no rank ${rank}`);
    return found;
  }

  #createRanks(): readonly Rank[] {
    return Array.from({ length: this.options.ranks }, (_, rank) => this.#createRank(rank));
  }

  #createRank(rank: number): Rank {
    const { options } = this;
    const { generation, topic, clock } = options;
    const publisher = new EventPublisher({
      encode: createEventEncoder(generation.encoding),
      topic,
      rank,
      replayBatches: options.replayBatches,
      clock,
      random: this.#random,
    });
    const core = new EngineCore({
      ...options,
      reusesUncachedFirst: generation.reusesUncachedFirst,
      publish: (events) => publisher.publish(events),
    });
    const { replaysTopic } = generation;
    return { core, publisher, replay: new ReplayServer({ batches: publisher.batches, topic, replaysTopic }) };
  }

  async #openRanks(): Promise<readonly RankAddresses[]> {
    const { eventsSocket } = this.options;
    let { eventsAddress, replayAddress } = this.options;
    const opened: RankAddresses[] = [];
    for (const [rank, { publisher, replay }] of this.#ranks.entries()) {
      const addresses = {
        eventsAddress: await publisher.start(rankAddress(eventsAddress, rank), eventsSocket),
        replayAddress: replayAddress === null ? null : await replay.start(rankAddress(replayAddress, rank)),
      };
      if (rank === 0) ({ eventsAddress, replayAddress } = addresses);
      opened.push(addresses);
    }
    return opened;
  }
}
