import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { endpointId, SidecarError, seededRandom } from '../../../sidecar/core/index.ts';
import {
  type BlockKeys,
  type BlockStored,
  computeBlockKeys,
  createNaivePrefixIndex,
  createPrefixIndex,
  type Holder,
  type PrefixIndex,
} from '../../../sidecar/kvindex/index.ts';
import { plainIdentity, removed, stored, tokens } from '../../support/block-events.ts';

const keysOf = (tokenIds: readonly number[] | Int32Array): BlockKeys =>
  computeBlockKeys(Int32Array.from(tokenIds), { blockSize: 1, identity: plainIdentity });

const match = (index: PrefixIndex, tokenIds: readonly number[] | Int32Array): readonly number[] => {
  const into = new Int32Array(index.capacity);
  index.match(keysOf(tokenIds), into);
  return [...into];
};

/** Engine key of a path through the tree of prompts made of 1, 2 and 3: different paths, different keys. */
const keyOfPath = (path: readonly number[]): number => path.reduce((sum, word) => sum * 4 + word, 0);

/** Stores the blocks of a path behind its first `from`, as an engine that holds those would report it. */
const storePath = (path: readonly number[], from = 0): BlockStored =>
  stored({
    keys: path.map((_, at) => keyOfPath(path.slice(0, at + 1))).slice(from),
    tokenIds: path.slice(from),
    blockSize: 1,
    ...(from === 0 ? {} : { parent: keyOfPath(path.slice(0, from)) }),
  });

const withOne = (maxBlocks: number): { index: PrefixIndex; a: Holder } => {
  const index = createPrefixIndex({ maxBlocks, random: seededRandom(3) });
  return { index, a: index.addHolder(endpointId('pool/a')) };
};

describe('cap on blocks', () => {
  it('drops the end of the chain stored longest ago first', () => {
    const { index, a } = withOne(6);
    index.store(a, storePath([1, 1, 1]));
    index.store(a, storePath([2, 2, 2]));
    index.store(a, storePath([3, 3]));
    expect(match(index, [1, 1, 1])).toEqual([1]);
    expect(match(index, [2, 2, 2])).toEqual([3]);
    expect(match(index, [3, 3])).toEqual([2]);
    expect(index.stats()).toMatchObject({ blocks: 6, pairs: 6, evictedBlocks: 2 });
  });

  it('takes a block that is stored again as new', () => {
    const { index, a } = withOne(4);
    index.store(a, storePath([1, 1]));
    index.store(a, storePath([2, 2]));
    index.store(a, storePath([1, 1]));
    index.store(a, storePath([3, 3]));
    expect(match(index, [1, 1])).toEqual([2]);
    expect(match(index, [2, 2])).toEqual([0]);
  });

  it('keeps the beginning of an event that is larger than the whole index', () => {
    const { index, a } = withOne(5);
    const outcome = index.store(a, stored({ keys: [...tokens(9)], tokenIds: tokens(9), blockSize: 1 }));
    expect(outcome).toEqual({ kind: 'stored', blocks: 5, duplicates: 0 });
    expect(match(index, tokens(9))).toEqual([5]);
    expect(index.stats().evictedBlocks).toBe(1);
  });

  it('takes removals of dropped blocks as known, and stores of them as new copies', () => {
    const { index, a } = withOne(2);
    index.store(a, storePath([1]));
    index.store(a, storePath([2]));
    index.store(a, storePath([3]));
    expect(match(index, [1])).toEqual([0]);
    expect(index.store(a, storePath([1, 1], 1))).toEqual({ kind: 'orphaned' });
    expect(index.store(a, storePath([1]))).toEqual({ kind: 'stored', blocks: 0, duplicates: 1 });
    expect(match(index, [1])).toEqual([1]);
    expect(index.remove(a, removed([1]))).toBe(0);
    expect(match(index, [1])).toEqual([1]);
    expect(index.remove(a, removed([1, 2]))).toBe(0);
    expect(match(index, [1])).toEqual([0]);
    expect(index.remove(a, removed([1]))).toBe(1);
  });

  const paths = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 });
  const stores = fc.record({ kind: fc.constant('store' as const), endpoint: fc.nat(1), path: paths, from: fc.nat(2) });
  const removals = fc.record({ kind: fc.constant('remove' as const), endpoint: fc.nat(1), path: paths });
  const clears = fc.record({ kind: fc.constant('clear' as const), endpoint: fc.nat(1) });
  type Command = typeof stores | typeof removals | typeof clears extends fc.Arbitrary<infer Value> ? Value : never;

  const run = (index: PrefixIndex, commands: readonly Command[], check = () => {}): void => {
    const holders = [index.addHolder(endpointId('pool/a')), index.addHolder(endpointId('pool/b'))];
    for (const command of commands) {
      const holder = holders[command.endpoint];
      if (holder === undefined) continue;
      if (command.kind === 'clear') index.clear(holder);
      else if (command.kind === 'remove') index.remove(holder, removed([keyOfPath(command.path)]));
      else index.store(holder, storePath(command.path, Math.min(command.from, command.path.length - 1)));
      check();
    }
  };

  it('never holds more than it may and never claims what is not there', () => {
    const commands = fc.array(
      fc.oneof({ weight: 8, arbitrary: stores }, { weight: 3, arbitrary: removals }, { weight: 1, arbitrary: clears }),
      { maxLength: 80, size: 'max' },
    );
    fc.assert(
      fc.property(commands, paths, fc.integer({ min: 1, max: 12 }), (history, path, maxBlocks) => {
        const naive = createNaivePrefixIndex();
        const capped = createPrefixIndex({ maxBlocks, random: seededRandom(7) });
        const overclaimed: (readonly number[])[] = [];
        run(naive, history);
        let most = 0;
        run(capped, history, () => {
          most = Math.max(most, capped.stats().blocks);
        });
        expect(most).toBeLessThanOrEqual(maxBlocks);
        for (const words of [path, ...history.map((command) => (command.kind === 'clear' ? path : command.path))]) {
          const truth = match(naive, words);
          if (match(capped, words).some((blocks, holder) => blocks > (truth[holder] ?? 0))) overclaimed.push(words);
        }
        expect(overclaimed).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('drops no block that others are built on', () => {
    fc.assert(
      fc.property(
        fc.array(stores, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 12 }),
        (history, maxBlocks) => {
          const index = createPrefixIndex({ maxBlocks, random: seededRandom(7) });
          run(index, history);
          const broken: (readonly number[])[] = [];
          for (const { path } of history) {
            const keys = keysOf(path);
            const isHeld = path.map((_, block) => [0, 1].some((number) => index.holds(number as Holder, keys, block)));
            if (isHeld.some((held, block) => held && isHeld[block - 1] === false)) broken.push(path);
          }
          expect(broken).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps memory and blocks bounded when removals never come', () => {
    const { index, a } = withOne(3000);
    const storeMany = (from: number, chains: number): void => {
      for (let number = from; number < from + chains; number += 1) {
        const keys = Array.from({ length: 20 }, (_, block) => number * 20 + block + 1);
        index.store(a, stored({ keys, tokenIds: keys, blockSize: 1 }));
      }
    };
    storeMany(0, 2000);
    const { bytes } = index.stats();
    storeMany(2000, 2000);
    const after = index.stats();
    expect(after.blocks).toBe(3000);
    expect(after.evictedBlocks).toBe(4000 * 20 - 3000);
    expect(after.bytes).toBeLessThan(bytes * 1.1);
    const newest = Array.from({ length: 20 }, (_, block) => 3999 * 20 + block + 1);
    expect(match(index, newest)).toEqual([20]);
  });

  it('drops old blocks before new ones when there are too many to compare them all', () => {
    const { index, a } = withOne(4000);
    for (let number = 0; number < 600; number += 1) {
      const keys = Array.from({ length: 10 }, (_, block) => number * 10 + block + 1);
      index.store(a, stored({ keys, tokenIds: keys, blockSize: 1 }));
    }
    let whole = 0;
    for (let number = 500; number < 600; number += 1) {
      const keys = Array.from({ length: 10 }, (_, block) => number * 10 + block + 1);
      if (match(index, keys)[0] === 10) whole += 1;
    }
    expect(whole).toBeGreaterThanOrEqual(95);
  });

  it.each([0, -1, 1.5, 1e9])('refuses a cap of %p', (maxBlocks) => {
    expect(() => createPrefixIndex({ maxBlocks })).toThrow(SidecarError);
  });
});
