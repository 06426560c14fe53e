import { SidecarError } from '../core/index.ts';
import type { BlockIdentity, CacheEvent, LoraAdapter } from './cache-event.ts';
import { FreeList } from './free-list.ts';

/** A distinct block that the pool holds. */
export interface HeldBlock {
  readonly identity: BlockIdentity;
  /** Physical copies of it. */
  readonly copies: number;
}

/**
 * Physical KV blocks under vLLM's rules (vllm/v1/core/block_pool.py): full blocks are found again by hash, equal blocks
 * are not merged, a block that nobody uses stays findable until its memory is needed, and the longest-unused goes first.
 * Events collect in order until they are taken.
 */
export class BlockPool {
  readonly #free: FreeList;
  readonly #users: Int32Array;
  readonly #identities: (BlockIdentity | null)[];
  /** Physical blocks by hash; a hit takes the one that was stored first. */
  readonly #cached = new Map<bigint, Set<number>>();
  readonly #reusesUncachedFirst: boolean;
  #events: CacheEvent[] = [];

  /** `blocks` is vLLM's `num_gpu_blocks`: one of them is the null block and never used. */
  constructor(options: { readonly blocks: number; readonly reusesUncachedFirst: boolean }) {
    this.#free = new FreeList(options.blocks);
    this.#users = new Int32Array(options.blocks);
    this.#identities = new Array(options.blocks).fill(null);
    this.#reusesUncachedFirst = options.reusesUncachedFirst;
    for (let block = 1; block < options.blocks; block++) this.#free.append(block);
  }

  /** Blocks that no request uses; those still findable count too. */
  get freeBlocks(): number {
    return this.#free.size;
  }

  get usableBlocks(): number {
    return this.#users.length - 1;
  }

  /** Physical block that holds `hash`, null where there is none. No event, no change of order. */
  find(hash: bigint): number | null {
    for (const block of this.#cached.get(hash) ?? []) return block;
    return null;
  }

  /** Of these found blocks, how many stand in the free list, so that using them leaves less to allocate. */
  countUnused(blocks: readonly number[]): number {
    return blocks.reduce((count, block) => count + (this.#users[block] === 0 ? 1 : 0), 0);
  }

  /** Counts one more user of each found block; it can then not be evicted. */
  use(blocks: readonly number[]): void {
    for (const block of blocks) {
      if (this.#users[block] === 0) this.#free.remove(block);
      this.#users[block] = (this.#users[block] ?? 0) + 1;
    }
  }

  /**
   * Takes blocks for one user, longest-unused first, and drops what they held (a removed event each). Throws `internal`
   * when fewer than `count` are free: callers look at `freeBlocks` first.
   */
  allocate(count: number): number[] {
    if (count > this.#free.size) throw new SidecarError('internal', 'block pool asked for more blocks than are free');
    return Array.from({ length: count }, () => {
      const block = this.#free.takeFirst() ?? 0;
      this.#forget(block);
      this.#users[block] = 1;
      return block;
    });
  }

  /** Makes consecutive full blocks of one request findable: one stored event. Does nothing for an empty list. */
  store(
    entries: readonly { readonly block: number; readonly identity: BlockIdentity }[],
    request: { readonly lora: LoraAdapter | null; readonly sessionId: string | null },
  ): void {
    for (const { block, identity } of entries) {
      this.#identities[block] = identity;
      const copies = this.#cached.get(identity.hash);
      if (copies === undefined) this.#cached.set(identity.hash, new Set([block]));
      else copies.add(block);
    }
    this.report(
      entries.map(({ identity }) => identity),
      request,
    );
  }

  /** Adds a stored event for blocks that are in the cache already (vLLM's full report mode). */
  report(
    blocks: readonly BlockIdentity[],
    request: { readonly lora: LoraAdapter | null; readonly sessionId: string | null },
  ): void {
    if (blocks.length > 0) this.#events.push({ kind: 'stored', blocks, ...request });
  }

  /** Ends one use of a sequence's blocks, given in prompt order; its tail will be evicted before its head. */
  release(blocks: readonly number[]): void {
    const uncached: number[] = [];
    for (const block of blocks.toReversed()) {
      const users = (this.#users[block] ?? 0) - 1;
      this.#users[block] = users;
      if (users > 0) continue;
      if (this.#reusesUncachedFirst && this.#identities[block] === null) uncached.push(block);
      else this.#free.append(block);
    }
    for (const block of uncached.toReversed()) this.#free.prepend(block);
  }

  /** Makes every block unfindable: one cleared event. False, and nothing done, while a request uses any block. */
  clear(): boolean {
    if (this.#free.size !== this.usableBlocks) return false;
    this.#cached.clear();
    this.#identities.fill(null);
    this.#events.push({ kind: 'cleared' });
    return true;
  }

  /** Events since the last call, oldest first. */
  takeEvents(): readonly CacheEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Distinct blocks held now, used or not, in no order. O(blocks). */
  held(): readonly HeldBlock[] {
    return Array.from(this.#cached.values(), (copies) => {
      const [first = 0] = copies;
      const identity = this.#identities[first] ?? null;
      if (identity === null) throw new SidecarError('internal', 'a cached block has no identity');
      return { identity, copies: copies.size };
    });
  }

  #forget(block: number): void {
    const identity = this.#identities[block] ?? null;
    if (identity === null) return;
    this.#identities[block] = null;
    const copies = this.#cached.get(identity.hash);
    copies?.delete(block);
    if (copies?.size === 0) this.#cached.delete(identity.hash);
    this.#events.push({ kind: 'removed', hash: identity.hash });
  }
}
