import type { BlockHasher } from './block-hash.ts';
import type { BlockIdentity, LoraAdapter } from './cache-event.ts';

/** One sequence to be generated, as the HTTP side hands it over. */
export interface GenerationRequest {
  readonly promptTokenIds: Int32Array;
  /** Tokens to generate, at least 1. */
  readonly maxTokens: number;
  readonly lora: LoraAdapter | null;
  readonly salt: string | null;
  readonly sessionId: string | null;
  /** False for requests that compute their whole prompt anew; their blocks are stored all the same. */
  readonly readsCache: boolean;
  /** Whether the blocks found at the first scheduling are reported as stored again (`kv_cache_report_mode: full`). */
  readonly reportsHits: boolean;
  /** The generated token at `index`, from 0. */
  nextToken(index: number): number;
}

/** Told about one sequence's progress, in order. Nothing comes after the last token or `aborted`. */
export interface GenerationSink {
  token(tokenId: number, isLast: boolean): void;
  /** The engine gave the sequence up. */
  aborted(): void;
}

/** A sequence inside the engine: its tokens, its blocks, how far it is computed. Owned by the scheduler. */
export class EngineRequest {
  readonly source: GenerationRequest;
  readonly sink: GenerationSink;
  /** Physical blocks in prompt order. */
  readonly blocks: number[] = [];
  /** Tokens whose KV is computed or being computed. */
  computedTokens = 0;
  /** Leading blocks that are findable in the pool. */
  storedBlocks = 0;
  /** Prompt tokens found in the cache at the first scheduling; null before. */
  cachedTokens: number | null = null;
  isAborted = false;
  readonly arrivedAtMs: number;
  firstScheduledAtMs: number | null = null;
  readonly #tokens: Int32Array;
  readonly #identities: BlockIdentity[] = [];
  readonly #hasher: BlockHasher;
  readonly #blockSize: number;
  #tokenCount: number;

  constructor(
    source: GenerationRequest,
    sink: GenerationSink,
    engine: { readonly hasher: BlockHasher; readonly blockSize: number; readonly nowMs: number },
  ) {
    this.source = source;
    this.sink = sink;
    this.arrivedAtMs = engine.nowMs;
    this.#hasher = engine.hasher;
    this.#blockSize = engine.blockSize;
    this.#tokens = new Int32Array(source.promptTokenIds.length + source.maxTokens);
    this.#tokens.set(source.promptTokenIds);
    this.#tokenCount = source.promptTokenIds.length;
  }

  /** Prompt and generated tokens. */
  get tokenCount(): number {
    return this.#tokenCount;
  }

  get generatedTokens(): number {
    return this.#tokenCount - this.source.promptTokenIds.length;
  }

  append(tokenId: number): void {
    this.#tokens[this.#tokenCount++] = tokenId;
  }

  /** Identity of full block number `index`; the tokens up to its end must be there. */
  identity(index: number): BlockIdentity {
    const known = this.#identities[index];
    if (known !== undefined) return known;
    const identity = this.#hasher.identify({
      parent: index === 0 ? null : this.identity(index - 1),
      tokenIds: this.#tokens.slice(index * this.#blockSize, (index + 1) * this.#blockSize),
      loraName: this.source.lora?.name ?? null,
      salt: this.source.salt,
    });
    this.#identities[index] = identity;
    return identity;
  }

  /** Back to an uncomputed request that owns no block, its generated tokens kept. */
  rewind(): void {
    this.blocks.length = 0;
    this.computedTokens = 0;
    this.storedBlocks = 0;
  }
}
