import type { BlockPool } from './block-pool.ts';
import type { EngineRequest } from './engine-request.ts';

/** Limits of one engine step. */
export interface SchedulerLimits {
  /** Tokens a block. */
  readonly blockSize: number;
  /** Tokens computed in one step, prefill and decode together (vLLM's `max_num_batched_tokens`). */
  readonly maxBatchedTokens: number;
  /** Requests computed in one step (vLLM's `max_num_seqs`). */
  readonly maxRunningRequests: number;
}

/** Part of a step: `tokens` more tokens of `request` are computed. */
export interface ScheduledTokens {
  readonly request: EngineRequest;
  readonly tokens: number;
}

/**
 * Decides what the next step computes, as vLLM's scheduler does (vllm/v1/core/sched/scheduler.py): running requests
 * first, then waiting ones first come first served, prompts in chunks where the step's tokens run out; when blocks run
 * out, the youngest running request gives its own back and waits in front. Blocks are stored when their computation is
 * scheduled, not when it is done.
 */
export class Scheduler {
  readonly #pool: BlockPool;
  readonly #limits: SchedulerLimits;
  readonly #running: EngineRequest[] = [];
  readonly #waiting: EngineRequest[] = [];
  #preemptions = 0;

  constructor(pool: BlockPool, limits: SchedulerLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  get running(): readonly EngineRequest[] {
    return this.#running;
  }

  get waiting(): readonly EngineRequest[] {
    return this.#waiting;
  }

  /** Times a running request had to give its blocks back. */
  get preemptions(): number {
    return this.#preemptions;
  }

  add(request: EngineRequest): void {
    this.#waiting.push(request);
  }

  /** Plans one step and books it on the requests; empty when there is nothing to do. */
  schedule(): readonly ScheduledTokens[] {
    const planned: ScheduledTokens[] = [];
    let budget = this.#limits.maxBatchedTokens;
    const plan = (request: EngineRequest, tokens: number): void => {
      planned.push({ request, tokens });
      request.computedTokens += tokens;
      budget -= tokens;
    };
    let hasPreempted = false;
    for (let index = 0; index < this.#running.length && budget > 0; index++) {
      const request = this.#running[index];
      if (request === undefined) break;
      const tokens = Math.min(request.tokenCount - request.computedTokens, budget);
      while (this.#running.length > index && !this.#reserve(request, { found: [], tokens })) {
        this.#preemptYoungest();
        hasPreempted = true;
      }
      if (this.#running.length > index) plan(request, tokens);
    }
    while (!hasPreempted && budget > 0 && this.#running.length < this.#limits.maxRunningRequests) {
      const request = this.#waiting[0];
      if (request === undefined) break;
      const found = this.#findCached(request);
      const tokens = Math.min(request.tokenCount - found.length * this.#limits.blockSize, budget);
      if (!this.#reserve(request, { found, tokens })) break;
      this.#waiting.shift();
      this.#running.push(request);
      request.cachedTokens ??= found.length * this.#limits.blockSize;
      plan(request, tokens);
    }
    return planned;
  }

  /** Takes a request out, done or not, and gives its blocks back. */
  remove(request: EngineRequest): void {
    for (const list of [this.#running, this.#waiting]) {
      const index = list.indexOf(request);
      if (index >= 0) list.splice(index, 1);
    }
    this.#pool.release(request.blocks);
    request.blocks.length = 0;
  }

  /** Blocks of a request that starts which the pool holds from block 0; at least one token is left to compute. */
  #findCached(request: EngineRequest): readonly number[] {
    if (!request.source.readsCache) return [];
    const limit = Math.floor((request.tokenCount - 1) / this.#limits.blockSize);
    const found: number[] = [];
    while (found.length < limit) {
      const block = this.#pool.find(request.identity(found.length).hash);
      if (block === null) break;
      found.push(block);
    }
    return found;
  }

  /** Gets the blocks that `tokens` more tokens need and stores those they fill; false, and nothing done, for too few. */
  #reserve(request: EngineRequest, step: { readonly found: readonly number[]; readonly tokens: number }): boolean {
    const { blockSize } = this.#limits;
    const foundTokens = step.found.length * blockSize;
    const computedAfter = request.computedTokens + foundTokens + step.tokens;
    const missing = Math.ceil(computedAfter / blockSize) - request.blocks.length - step.found.length;
    if (missing + this.#pool.countUnused(step.found) > this.#pool.freeBlocks) return false;
    this.#pool.use(step.found);
    request.blocks.push(...step.found, ...this.#pool.allocate(Math.max(0, missing)));
    this.#book(request, { foundBlocks: step.found.length, fullBlocks: Math.floor(computedAfter / blockSize) });
    return true;
  }

  #book(request: EngineRequest, blocks: { readonly foundBlocks: number; readonly fullBlocks: number }): void {
    const { lora, sessionId, reportsHits } = request.source;
    const entries = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, offset) => {
        const index = from + offset;
        return { block: request.blocks[index] ?? 0, identity: request.identity(index) };
      });
    request.computedTokens += blocks.foundBlocks * this.#limits.blockSize;
    request.storedBlocks += blocks.foundBlocks;
    if (reportsHits && request.cachedTokens === null) {
      const hits = entries(0, blocks.foundBlocks).map(({ identity }) => identity);
      this.#pool.report(hits, { lora, sessionId });
    }
    this.#pool.store(entries(request.storedBlocks, blocks.fullBlocks), { lora, sessionId });
    request.storedBlocks = blocks.fullBlocks;
  }

  #preemptYoungest(): void {
    const victim = this.#running.pop();
    if (victim === undefined) return;
    this.#pool.release(victim.blocks);
    victim.rewind();
    this.#preemptions++;
    this.#waiting.unshift(victim);
  }
}
