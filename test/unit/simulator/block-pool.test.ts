import { describe, expect, it } from '@jest/globals';
import { createBlockHasher } from '../../../sidecar/simulator/block-hash.ts';
import { BlockPool } from '../../../sidecar/simulator/block-pool.ts';
import type { BlockIdentity } from '../../../sidecar/simulator/cache-event.ts';

const hasher = createBlockHasher(0n);
const request = { lora: null, sessionId: null };

/** Identities of consecutive blocks that begin with the given first tokens. */
const chain = (...firstTokens: readonly number[]): readonly BlockIdentity[] => {
  const blocks: BlockIdentity[] = [];
  for (const token of firstTokens) {
    const parent = blocks.at(-1) ?? null;
    blocks.push(hasher.identify({ parent, tokenIds: Int32Array.of(token, 0), loraName: null, salt: null }));
  }
  return blocks;
};

const createPool = (usable: number, reusesUncachedFirst = true) =>
  new BlockPool({ blocks: usable + 1, reusesUncachedFirst });

/** Allocates blocks for a chain, stores it, and returns the physical blocks. */
const fill = (pool: BlockPool, identities: readonly BlockIdentity[]): readonly number[] => {
  const blocks = pool.allocate(identities.length);
  const entries = identities.map((identity, index) => ({ identity, block: blocks[index] ?? 0 }));
  pool.store(entries, request);
  return blocks;
};

const removedHashes = (pool: BlockPool) =>
  pool.takeEvents().flatMap((event) => (event.kind === 'removed' ? [event.hash] : []));

describe('a block pool', () => {
  it('keeps one block out of use as vLLM keeps its null block', () => {
    expect(createPool(3).freeBlocks).toBe(3);
    expect(createPool(3).allocate(3)).not.toContain(0);
  });

  it('finds a stored block after its user has gone', () => {
    const pool = createPool(3);
    const [identity] = chain(1);
    const [block] = fill(pool, chain(1));
    pool.release([block ?? 0]);
    expect(pool.find(identity?.hash ?? 0n)).toBe(block);
    expect(pool.freeBlocks).toBe(3);
  });

  it('reports one stored event for a run of blocks and none for a hit', () => {
    const pool = createPool(3);
    const blocks = fill(pool, chain(1, 2));
    expect(pool.takeEvents()).toEqual([{ kind: 'stored', blocks: chain(1, 2), ...request }]);
    pool.use(blocks);
    expect(pool.takeEvents()).toEqual([]);
  });

  it('drops the tail of the longest-unused sequence first', () => {
    const pool = createPool(5);
    const [older, newer] = [chain(1, 2), chain(3, 4)];
    const olderBlocks = fill(pool, older);
    const newerBlocks = fill(pool, newer);
    pool.release(olderBlocks);
    pool.release(newerBlocks);
    pool.takeEvents();
    pool.allocate(4);
    expect(removedHashes(pool)).toEqual([older[1], older[0], newer[1]].map((block) => block?.hash));
  });

  it('keeps a block that was used again longer than one that was not', () => {
    const pool = createPool(2);
    const [first, second] = [chain(1), chain(2)];
    const firstBlocks = fill(pool, first);
    const secondBlocks = fill(pool, second);
    pool.release(firstBlocks);
    pool.release(secondBlocks);
    pool.use(firstBlocks);
    pool.release(firstBlocks);
    pool.takeEvents();
    pool.allocate(1);
    expect(removedHashes(pool)).toEqual([second[0]?.hash]);
  });

  it('never drops a block that a second request still uses', () => {
    const pool = createPool(1);
    const blocks = fill(pool, chain(1));
    pool.use(blocks);
    pool.release(blocks);
    expect(pool.freeBlocks).toBe(0);
    expect(() => pool.allocate(1)).toThrow('[internal]');
  });

  it.each([
    { reusesUncachedFirst: true, removed: 0 },
    { reusesUncachedFirst: false, removed: 1 },
  ])('takes a freed unfilled block first: $reusesUncachedFirst', ({ reusesUncachedFirst, removed }) => {
    const pool = createPool(2, reusesUncachedFirst);
    const filled = fill(pool, chain(1));
    const unfilled = pool.allocate(1);
    pool.release(filled);
    pool.release(unfilled);
    pool.takeEvents();
    pool.allocate(1);
    expect(removedHashes(pool)).toHaveLength(removed);
  });

  it('counts equal blocks as copies and reports each copy when it goes', () => {
    const pool = createPool(2);
    const [identity] = chain(1);
    const copies = [...fill(pool, chain(1)), ...fill(pool, chain(1))];
    expect(pool.held()).toEqual([{ identity, copies: 2 }]);
    pool.release(copies);
    pool.takeEvents();
    pool.allocate(1);
    expect(pool.held()).toEqual([{ identity, copies: 1 }]);
    pool.allocate(1);
    expect(pool.held()).toEqual([]);
    expect(removedHashes(pool)).toEqual([identity?.hash, identity?.hash]);
  });

  it('counts unused blocks among found ones', () => {
    const pool = createPool(3);
    const blocks = fill(pool, chain(1, 2));
    pool.release(blocks.slice(1));
    expect(pool.countUnused(blocks)).toBe(1);
  });

  it('clears only while nobody uses a block', () => {
    const pool = createPool(2);
    const blocks = fill(pool, chain(1));
    pool.takeEvents();
    expect(pool.clear()).toBe(false);
    expect(pool.takeEvents()).toEqual([]);
    pool.release(blocks);
    expect(pool.clear()).toBe(true);
    expect(pool.takeEvents()).toEqual([{ kind: 'cleared' }]);
    expect(pool.held()).toEqual([]);
    pool.allocate(2);
    expect(pool.takeEvents()).toEqual([]);
  });
});
