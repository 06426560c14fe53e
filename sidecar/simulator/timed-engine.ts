import type { Clock } from '../core/index.ts';
import type { CacheEvent } from './cache-event.ts';
import { EngineCore } from './engine-core.ts';
import { defaultStepTimes, type StepTimes } from './step-time.ts';
import { vllmGenerations } from './vllm-generation.ts';

/** Size and speed of an engine without sockets. */
export interface TimedEngineOptions {
  readonly clock: Clock;
  /** Tokens a block. */
  readonly blockSize: number;
  /** Tokens of KV cache, a whole number of blocks of which is used. */
  readonly cacheTokens: number;
  /** Tokens computed in one step, and requests. */
  readonly maxBatchedTokens: number;
  readonly maxRunningRequests: number;
  readonly stepTimes?: Partial<StepTimes>;
  /** Told the cache events of each step when it ends. */
  readonly onEvents: (events: readonly CacheEvent[]) => void;
}

/** One request for a {@link TimedEngine}. */
export interface TimedRequest {
  readonly promptTokenIds: Int32Array;
  /** Tokens to generate, at least 1. */
  readonly outputTokens: number;
  /** Stands for every generated token. */
  readonly outputTokenId: number;
  /** Prompt tokens that were found cached. */
  readonly onFirstToken: (cachedTokens: number) => void;
  readonly onFinished: () => void;
}

/** An engine as a model alone: block pool, scheduler and step times of the embedded engine, driven by a clock. */
export interface TimedEngine {
  /** Queues a request that `fits`. */
  submit(request: TimedRequest): void;
  /** Whether a prompt and its output fit the cache at all. */
  fits(tokens: number): boolean;
  readonly runningRequests: number;
  readonly waitingRequests: number;
  /** Share of blocks that requests use, 0 to 1. */
  readonly usage: number;
}

/** Creates an engine that behaves as the newest vLLM release does and works only when `clock` runs its actions. */
export const createTimedEngine = (options: TimedEngineOptions): TimedEngine => {
  const { clock, blockSize, onEvents } = options;
  const usableBlocks = Math.floor(options.cacheTokens / blockSize);
  const core = new EngineCore({
    clock,
    defer: (action) => clock.schedule(0, action),
    blocks: usableBlocks + 1,
    blockSize,
    maxBatchedTokens: options.maxBatchedTokens,
    maxRunningRequests: options.maxRunningRequests,
    reusesUncachedFirst: vllmGenerations['0.32.0'].reusesUncachedFirst,
    hashSeed: 0n,
    stepTimes: { ...defaultStepTimes, ...options.stepTimes },
    timeScale: 1,
    publish: onEvents,
  });
  return {
    submit: ({ promptTokenIds, outputTokens, outputTokenId, onFirstToken, onFinished }) => {
      let isFirst = true;
      const request = core.submit(
        {
          promptTokenIds,
          maxTokens: outputTokens,
          lora: null,
          salt: null,
          sessionId: null,
          readsCache: true,
          reportsHits: false,
          nextToken: () => outputTokenId,
        },
        {
          token: (_, isLast) => {
            if (isFirst) onFirstToken(request.cachedTokens ?? 0);
            isFirst = false;
            if (isLast) onFinished();
          },
          aborted: () => {},
        },
      );
    },
    fits: (tokens) => Math.ceil(tokens / blockSize) <= usableBlocks,
    get runningRequests() {
      return core.runningRequests;
    },
    get waitingRequests() {
      return core.waitingRequests;
    },
    get usage() {
      return core.usage;
    },
  };
};
