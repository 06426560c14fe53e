import { randomBytes } from 'node:crypto';
import { type Clock, SidecarError, systemClock } from '../core/index.ts';
import type { EngineTokenizer } from './engine-tokenizer.ts';
import { defaultStepTimes, type StepTimes } from './step-time.ts';
import { createWordSource, type TokenSource } from './token-source.ts';
import { type VllmGeneration, type VllmVersion, vllmGenerations } from './vllm-generation.ts';

/** What an embedded engine is to be. Everything but the tokenizer has a default. */
export interface EngineOptions {
  readonly tokenizer: EngineTokenizer;
  /** vLLM release to behave like. Default 0.32.0. */
  readonly version?: VllmVersion;
  /** Single traits that differ from the release's, for releases in between. */
  readonly generation?: Partial<VllmGeneration>;
  /** Served model name. Default `tiny-qwen`. */
  readonly model?: string;
  /** Names of served LoRA adapters; their ids count from 1 in this order. Default none. */
  readonly loraAdapters?: readonly string[];
  /** Address of the HTTP server. Default 127.0.0.1 and a free port. */
  readonly host?: string;
  readonly port?: number;
  /** ZeroMQ address of rank 0's events; other ranks have the ports after it. Default `tcp://127.0.0.1:*`. */
  readonly eventsAddress?: string;
  /** Whether the event socket binds its address or dials a subscriber that does. Default `bind`. */
  readonly eventsSocket?: 'bind' | 'connect';
  /** ZeroMQ address of rank 0's replay socket, null for none. Default `tcp://127.0.0.1:*`. */
  readonly replayAddress?: string | null;
  /** Batches kept for replay. Default 10000, as vLLM's. */
  readonly replayBatches?: number;
  /** First frame of every event message. Default empty, as vLLM's. */
  readonly topic?: string;
  /** Data-parallel ranks behind the one HTTP address. Default 1. */
  readonly ranks?: number;
  /** KV blocks a rank; one of them is the null block, as in vLLM's `num_gpu_blocks`. Default 2049. */
  readonly blocks?: number;
  /** Tokens a block. Default 16, as vLLM's on GPUs. */
  readonly blockSize?: number;
  /** Longest sequence, prompt and answer, in tokens. Default: what the blocks hold, at most 32768. */
  readonly maxModelTokens?: number;
  /** Tokens computed a step. Default 2048, as vLLM's. */
  readonly maxBatchedTokens?: number;
  /** Requests computed a step. Default 256, as vLLM's. */
  readonly maxRunningRequests?: number;
  readonly stepTimes?: Partial<StepTimes>;
  /** Factor on modelled time: 1 real, 0.1 ten times as fast, 0 without waiting. Default 1. */
  readonly timeScale?: number;
  /** Seed of generated text and of drawn faults. Default 0. */
  readonly seed?: number;
  /** Seed of block hashes, 64 bits. Default 0 where the release's hashes survive a restart, else random. */
  readonly hashSeed?: bigint;
  /** Generated tokens. Default: ordinary words drawn by prompt and seed. */
  readonly tokenSource?: TokenSource;
  readonly clock?: Clock;
}

/** Options with every default filled in. */
export type ResolvedEngineOptions = Required<Omit<EngineOptions, 'version' | 'generation' | 'stepTimes'>> & {
  readonly generation: VllmGeneration;
  readonly stepTimes: StepTimes;
};

/** A hash seed that no other engine has. */
export const freshHashSeed = (): bigint => randomBytes(8).readBigUInt64BE();

const requireAtLeast = (name: string, value: number, least: number): void => {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new SidecarError('invalid-argument', `${name} must be an integer of at least ${least}`, {
      details: { value },
    });
  }
};

/** Fills in defaults. Throws `invalid-argument` for sizes no engine could run with. */
export const resolveEngineOptions = (options: EngineOptions): ResolvedEngineOptions => {
  const generation = { ...vllmGenerations[options.version ?? '0.32.0'], ...options.generation };
  const { blocks = 2049, blockSize = 16, ranks = 1, replayBatches = 10_000, seed = 0 } = options;
  const { maxBatchedTokens = 2048, maxRunningRequests = 256, timeScale = 1 } = options;
  requireAtLeast('blocks', blocks, 2);
  requireAtLeast('blockSize', blockSize, 1);
  requireAtLeast('ranks', ranks, 1);
  requireAtLeast('replayBatches', replayBatches, 1);
  requireAtLeast('maxBatchedTokens', maxBatchedTokens, 1);
  requireAtLeast('maxRunningRequests', maxRunningRequests, 1);
  const capacityTokens = (blocks - 1) * blockSize;
  const { maxModelTokens = Math.min(32_768, capacityTokens) } = options;
  requireAtLeast('maxModelTokens', maxModelTokens, 2);
  if (maxModelTokens > capacityTokens || !(timeScale >= 0)) {
    throw new SidecarError(
      'invalid-argument',
      'the blocks must hold a longest sequence, and time must not run backwards',
      {
        details: { maxModelTokens, capacityTokens, timeScale },
      },
    );
  }
  return {
    tokenizer: options.tokenizer,
    generation,
    model: options.model ?? 'tiny-qwen',
    loraAdapters: options.loraAdapters ?? [],
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    eventsAddress: options.eventsAddress ?? 'tcp://127.0.0.1:*',
    eventsSocket: options.eventsSocket ?? 'bind',
    replayAddress: options.replayAddress === undefined ? 'tcp://127.0.0.1:*' : options.replayAddress,
    replayBatches,
    topic: options.topic ?? '',
    ranks,
    blocks,
    blockSize,
    maxModelTokens,
    maxBatchedTokens,
    maxRunningRequests,
    stepTimes: { ...defaultStepTimes, ...options.stepTimes },
    timeScale,
    seed,
    hashSeed: options.hashSeed ?? (generation.keepsHashes ? 0n : freshHashSeed()),
    tokenSource: options.tokenSource ?? createWordSource(options.tokenizer.vocabulary, seed),
    clock: options.clock ?? systemClock,
  };
};
