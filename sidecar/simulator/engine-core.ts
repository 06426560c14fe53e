import type { Clock } from '../core/index.ts';
import { type BlockHasher, createBlockHasher } from './block-hash.ts';
import { BlockPool, type HeldBlock } from './block-pool.ts';
import type { CacheEvent } from './cache-event.ts';
import { EngineFigures } from './engine-figures.ts';
import { EngineRequest, type GenerationRequest, type GenerationSink } from './engine-request.ts';
import { type ScheduledTokens, Scheduler, type SchedulerLimits } from './scheduler.ts';
import { type StepTimes, stepDurationMs } from './step-time.ts';

/** What an engine core is made of. */
export interface EngineCoreOptions extends SchedulerLimits {
  /** Physical blocks, the null block included. */
  readonly blocks: number;
  readonly reusesUncachedFirst: boolean;
  readonly hashSeed: bigint;
  readonly stepTimes: StepTimes;
  /** Factor on every step's time: 1 as modelled, 0 as fast as the process can. */
  readonly timeScale: number;
  readonly clock: Clock;
  /** Runs an action once whoever called is done, and returns how to cancel it. Default: in the next turn of the event loop. */
  readonly defer?: (action: () => void) => () => void;
  /** Told the events of each step that had any, before its tokens go out. */
  readonly publish: (events: readonly CacheEvent[]) => void;
}

const inNextTurn = (action: () => void): (() => void) => {
  const immediate = setImmediate(action);
  return () => clearImmediate(immediate);
};

/** How far the model may lag behind real time before it gives up catching up. */
const maxLagMs = 25;

/**
 * One engine core: requests in, tokens out, one step after the other (continuous batching). A step's blocks are booked
 * when it begins; its events are published and its tokens delivered when it ends. Not running until a request comes.
 */
export class EngineCore {
  readonly figures = new EngineFigures();
  readonly #options: EngineCoreOptions;
  readonly #pool: BlockPool;
  readonly #scheduler: Scheduler;
  readonly #hasher: BlockHasher;
  readonly #defer: (action: () => void) => () => void;
  #isStepping = false;
  #isPaused = false;
  #isStopped = false;
  #lastStepEndMs = 0;
  #cancelWait: () => void = () => {};

  constructor(options: EngineCoreOptions) {
    this.#options = options;
    this.#pool = new BlockPool(options);
    this.#scheduler = new Scheduler(this.#pool, options);
    this.#hasher = createBlockHasher(options.hashSeed);
    this.#defer = options.defer ?? inNextTurn;
  }

  get runningRequests(): number {
    return this.#scheduler.running.length;
  }

  /** Times a running request had to give its blocks back. */
  get preemptions(): number {
    return this.#scheduler.preemptions;
  }

  get waitingRequests(): number {
    return this.#scheduler.waiting.length;
  }

  /** Share of blocks that requests use, 0 to 1. */
  get usage(): number {
    return 1 - this.#pool.freeBlocks / this.#pool.usableBlocks;
  }

  /** LoRA names of the requests computed now and of those waiting. */
  loraNames(): { readonly running: readonly string[]; readonly waiting: readonly string[] } {
    const names = (requests: readonly EngineRequest[]) => [
      ...new Set(requests.flatMap(({ source }) => (source.lora === null ? [] : [source.lora.name]))),
    ];
    return { running: names(this.#scheduler.running), waiting: names(this.#scheduler.waiting) };
  }

  held(): readonly HeldBlock[] {
    return this.#pool.held();
  }

  /** Queues a sequence; its prompt and `maxTokens` must fit the pool. */
  submit(source: GenerationRequest, sink: GenerationSink): EngineRequest {
    const nowMs = this.#options.clock.now();
    const request = new EngineRequest(source, sink, {
      hasher: this.#hasher,
      blockSize: this.#options.blockSize,
      nowMs,
    });
    this.#scheduler.add(request);
    this.#wake();
    return request;
  }

  /** Gives a sequence up without a word to its sink. One that is being computed goes at the end of the step. */
  abort(request: EngineRequest): void {
    if (request.isAborted || request.generatedTokens === request.source.maxTokens) return;
    request.isAborted = true;
    this.figures.finishedByAbort++;
    if (!this.#isStepping || !this.#scheduler.running.includes(request)) this.#scheduler.remove(request);
  }

  /** Drops the whole cache; false, and nothing done, while requests hold blocks. Reported with the next step's events. */
  clearCache(): boolean {
    return this.#pool.clear();
  }

  /** Gives every sequence up, drops the cache and computes nothing until {@link resume}. */
  pause(): void {
    this.#isPaused = true;
    this.#cancelWait();
    this.#isStepping = false;
    for (const request of [...this.#scheduler.running, ...this.#scheduler.waiting]) {
      this.abort(request);
      request.sink.aborted();
    }
    this.clearCache();
  }

  resume(): void {
    this.#isPaused = false;
    this.#wake();
  }

  /** Ends at once and for good; sequences under way hear nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelWait();
  }

  #wake(): void {
    if (this.#isStepping || this.#isPaused || this.#isStopped) return;
    this.#isStepping = true;
    this.#lastStepEndMs = this.#options.clock.now();
    this.#cancelWait = this.#defer(() => this.#beginStep());
  }

  #beginStep(): void {
    const { clock, stepTimes, timeScale } = this.#options;
    const planned = this.#scheduler.schedule();
    if (planned.length === 0) {
      this.#isStepping = false;
      return;
    }
    const nowMs = clock.now();
    for (const { request } of planned) this.#countStart(request, nowMs);
    const durationMs = stepDurationMs(planned, stepTimes) * timeScale;
    if (durationMs === 0) {
      this.#cancelWait = this.#defer(() => this.#endStep(planned));
      return;
    }
    this.#lastStepEndMs = Math.max(this.#lastStepEndMs, nowMs - maxLagMs) + durationMs;
    this.#cancelWait = clock.schedule(Math.max(0, this.#lastStepEndMs - nowMs), () => this.#endStep(planned));
  }

  #countStart(request: EngineRequest, nowMs: number): void {
    if (request.firstScheduledAtMs !== null) return;
    request.firstScheduledAtMs = nowMs;
    const promptTokens = request.source.promptTokenIds.length;
    if (request.source.readsCache) {
      this.figures.prefixCacheQueries += promptTokens;
      this.figures.prefixCacheHits += request.cachedTokens ?? 0;
    }
    this.figures.queueTime.observe((nowMs - request.arrivedAtMs) / 1000);
  }

  #endStep(planned: readonly ScheduledTokens[]): void {
    const events = this.#pool.takeEvents();
    if (events.length > 0) this.#options.publish(events);
    for (const request of this.#scheduler.running.filter(({ isAborted }) => isAborted)) this.#scheduler.remove(request);
    for (const { request } of planned) {
      if (!request.isAborted && request.computedTokens === request.tokenCount) this.#deliver(request);
    }
    if (this.#isStopped || this.#isPaused) return;
    this.#beginStep();
  }

  #deliver(request: EngineRequest): void {
    const nowMs = this.#options.clock.now();
    const { source, sink } = request;
    const tokenId = source.nextToken(request.generatedTokens);
    request.append(tokenId);
    this.figures.generationTokens++;
    if (request.generatedTokens === 1) {
      this.figures.promptTokens += source.promptTokenIds.length;
      this.figures.cachedPromptTokens += request.cachedTokens ?? 0;
      this.figures.timeToFirstToken.observe((nowMs - request.arrivedAtMs) / 1000);
    }
    const isLast = request.generatedTokens === source.maxTokens;
    if (isLast) {
      this.#scheduler.remove(request);
      this.figures.finishedByLength++;
      this.figures.requestLatency.observe((nowMs - request.arrivedAtMs) / 1000);
    }
    sink.token(tokenId, isLast);
  }
}
