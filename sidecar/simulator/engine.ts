import { delay, systemClock } from '../core/index.ts';
import { describeBlock, type EngineBlock } from './engine-block.ts';
import { countersOf, type EngineCounters } from './engine-counters.ts';
import { type EngineFaults, noFaults } from './engine-faults.ts';
import {
  type EngineOptions,
  freshHashSeed,
  type ResolvedEngineOptions,
  resolveEngineOptions,
} from './engine-options.ts';
import { EngineProcess, type RankAddresses } from './engine-process.ts';
import { EngineHttpServer } from './http/engine-http-server.ts';

/** Where a started engine can be reached. */
export interface EngineAddresses extends RankAddresses {
  /** `host:port` of the OpenAI API. */
  readonly address: string;
  /** Event and replay addresses by rank; rank 0's are the ones above. */
  readonly ranks: readonly RankAddresses[];
}

/** An embedded engine that looks like vLLM from outside. `await using` ends it. */
export interface Engine extends AsyncDisposable {
  /** Opens all sockets; after a `kill`, the same addresses with an empty cache. Throws `listen-failed`. */
  start(): Promise<EngineAddresses>;
  /** Gives running requests up (they end with `abort`), answers them, closes all sockets. */
  stop(): Promise<void>;
  /** Ends like a killed process: connections are cut in mid-answer, cache, counters and replay buffer are lost. */
  kill(): Promise<void>;
  /**
   * Kills and starts again at the same addresses: sequences from 0, empty cache. `hashes` says whether equal blocks keep
   * their hashes; by default as the engine's release does (`same` from 0.29).
   */
  restart(options?: { readonly hashes?: 'same' | 'fresh' }): Promise<void>;
  /** Switches faults on and off; those not named stay as they are. Kept over a restart. */
  setFaults(faults: Partial<EngineFaults>): Promise<void>;
  /** Blocks held by a rank (default 0), in no order. O(blocks x depth). */
  blocks(rank?: number): readonly EngineBlock[];
  /** Number of the last published batch of a rank (default 0), null before the first. */
  lastSequence(rank?: number): number | null;
  counters(rank?: number): EngineCounters;
  /** Resolves when a rank's events (default 0) have at least `count` subscribers; publish before and they miss it. */
  subscribed(count: number, rank?: number): Promise<void>;
}

/** How long `stop` waits for answers to be taken off its hands. */
const goodbyeMs = 500;

class EmbeddedEngine implements Engine {
  #options: ResolvedEngineOptions;
  #faults: EngineFaults = noFaults;
  #process: EngineProcess;
  #server: EngineHttpServer;
  #isRunning = false;

  constructor(options: ResolvedEngineOptions) {
    this.#options = options;
    this.#process = new EngineProcess(options);
    this.#server = new EngineHttpServer(this.#process);
  }

  async start(): Promise<EngineAddresses> {
    const { host } = this.#options;
    this.#isRunning = true;
    await this.#process.start();
    const ranks = this.#process.addresses;
    const [first] = ranks;
    const port = await this.#server.listen(host, this.#options.port);
    const addresses = first ?? { eventsAddress: this.#options.eventsAddress, replayAddress: null };
    this.#options = { ...this.#options, ...addresses, port };
    await this.#applyFaults();
    return { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, ...addresses, ranks };
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    const closed = this.#server.close();
    this.#process.pause();
    await Promise.race([closed, delay(systemClock, goodbyeMs)]);
    await this.kill();
  }

  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#process.stop();
    await this.#server.destroy();
    this.#process = new EngineProcess(this.#options);
    this.#server = new EngineHttpServer(this.#process);
  }

  async restart(options: { readonly hashes?: 'same' | 'fresh' } = {}): Promise<void> {
    const hashes = options.hashes ?? (this.#options.generation.keepsHashes ? 'same' : 'fresh');
    if (hashes === 'fresh') this.#options = { ...this.#options, hashSeed: freshHashSeed() };
    await this.kill();
    await this.start();
  }

  async setFaults(faults: Partial<EngineFaults>): Promise<void> {
    this.#faults = { ...this.#faults, ...faults };
    if (this.#isRunning) await this.#applyFaults();
  }

  blocks(rank = 0): readonly EngineBlock[] {
    return this.#process.core(rank).held().map(describeBlock);
  }

  lastSequence(rank = 0): number | null {
    return this.#process.publisher(rank).batches.lastSequence;
  }

  counters(rank = 0): EngineCounters {
    return countersOf(this.#process.core(rank));
  }

  subscribed(count: number, rank = 0): Promise<void> {
    return this.#process.publisher(rank).subscribed(count);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #applyFaults(): Promise<void> {
    await this.#process.setFaults(this.#faults);
    await this.#server.setRefusing(this.#faults.refusesConnections);
  }
}

/**
 * Creates an engine that behaves like vLLM as seen from outside: OpenAI API, block pool, KV events with replay, metrics.
 * Nothing is opened before `start`. Throws `invalid-argument` for sizes no engine could run with.
 */
export const createEngine = (options: EngineOptions): Engine => new EmbeddedEngine(resolveEngineOptions(options));
