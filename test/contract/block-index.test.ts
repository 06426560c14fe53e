import { describe, expect, it } from '@jest/globals';
import { endpointId, SidecarError } from '../../sidecar/core/index.ts';
import {
  type BlockKeys,
  computeBlockKeys,
  createNaivePrefixIndex,
  createPrefixIndex,
  type Holder,
  type PrefixIndex,
} from '../../sidecar/kvindex/index.ts';
import { placeholder, plainIdentity, removed, stored, tokens } from '../support/block-events.ts';

/** A run of blocks of four tokens: engine keys 1, 2, …, tokens 1, 2, …. */
const chain = (blocks: number, options: { medium?: string; group?: number; firstKey?: number } = {}) =>
  stored({
    keys: Array.from({ length: blocks }, (_, block) => (options.firstKey ?? 1) + block),
    tokenIds: tokens(blocks * 4),
    ...(options.medium === undefined ? {} : { medium: options.medium }),
    ...(options.group === undefined ? {} : { group: options.group }),
  });

const promptKeys = (tokenIds: Int32Array, blockSize = 4): BlockKeys =>
  computeBlockKeys(tokenIds, { blockSize, identity: plainIdentity });

const matches = (index: PrefixIndex, keys: BlockKeys): readonly number[] => {
  const into = new Int32Array(index.capacity);
  index.match(keys, into);
  return [...into];
};

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (failure) {
    if (failure instanceof SidecarError) return failure.code;
    throw failure;
  }
  return 'no error';
};

const unknownHolder = 99 as Holder; // stands for one that was never given out

describe.each([
  ['naive', () => createNaivePrefixIndex()],
  ['arena', () => createPrefixIndex()],
])('%s prefix index', (_, create) => {
  const withHolders = (count: number): { index: PrefixIndex; holders: readonly Holder[] } => {
    const index = create();
    return { index, holders: Array.from({ length: count }, (_unused, at) => index.addHolder(endpointId(`p/${at}`))) };
  };
  const withOne = (): { index: PrefixIndex; a: Holder } => {
    const index = create();
    return { index, a: index.addHolder(endpointId('p/a')) };
  };
  const withTwo = (): { index: PrefixIndex; a: Holder; b: Holder } => {
    const index = create();
    return { index, a: index.addHolder(endpointId('p/a')), b: index.addHolder(endpointId('p/b')) };
  };

  it('gives each endpoint the blocks it holds from block 0', () => {
    const { index, a, b } = withTwo();
    index.store(a, chain(3));
    index.store(b, chain(2, { firstKey: 70 }));
    expect(matches(index, promptKeys(tokens(20)))).toEqual([3, 2]);
  });

  it('stops at the first block whose tokens differ', () => {
    const { index, a } = withOne();
    index.store(a, chain(3));
    const prompt = tokens(12);
    prompt[6] = 999;
    expect(matches(index, promptKeys(prompt))).toEqual([1]);
  });

  it('gives zeros for an unknown first block, an empty prompt and an empty index', () => {
    const { index, a } = withOne();
    expect(matches(index, promptKeys(tokens(12)))).toEqual([0]);
    index.store(a, chain(3));
    expect(matches(index, promptKeys(tokens(12, 500)))).toEqual([0]);
    expect(matches(index, promptKeys(tokens(3)))).toEqual([0]);
  });

  it('overwrites what the result array held before and leaves entries beyond the capacity alone', () => {
    const { index, a } = withOne();
    index.store(a, chain(2));
    const into = Int32Array.of(77, 77);
    index.match(promptKeys(tokens(4, 900)), into);
    expect([...into]).toEqual([0, 77]);
  });

  it('continues a chain from a parent stored by an earlier event', () => {
    const { index, a } = withOne();
    index.store(a, chain(2));
    const outcome = index.store(a, stored({ keys: [3], parent: 2, tokenIds: tokens(4, 9) }));
    expect(outcome).toEqual({ kind: 'stored', blocks: 1, duplicates: 0 });
    expect(matches(index, promptKeys(tokens(12)))).toEqual([3]);
  });

  it('applies nothing of an event whose parent is unknown', () => {
    const { index, a, b } = withTwo();
    index.store(b, chain(2));
    expect(index.store(a, stored({ keys: [3, 4], parent: 2, tokenIds: tokens(8, 9) }))).toEqual({ kind: 'orphaned' });
    expect(index.blocksOf(a)).toBe(0);
    expect(index.remove(a, removed([3]))).toBe(1);
  });

  it('holds a hash stored n times until n removals', () => {
    const { index, a } = withOne();
    index.store(a, chain(2));
    expect(index.store(a, chain(2))).toEqual({ kind: 'stored', blocks: 0, duplicates: 2 });
    expect(index.remove(a, removed([2]))).toBe(0);
    expect(matches(index, promptKeys(tokens(8)))).toEqual([2]);
    expect(index.remove(a, removed([2]))).toBe(0);
    expect(matches(index, promptKeys(tokens(8)))).toEqual([1]);
    expect(index.remove(a, removed([2]))).toBe(1);
  });

  it('holds a block that has two engine keys until both are removed', () => {
    const { index, a } = withOne();
    index.store(a, chain(1));
    index.store(a, chain(1, { firstKey: 50 }));
    index.store(a, chain(1, { firstKey: 60 }));
    expect(index.blocksOf(a)).toBe(1);
    index.remove(a, removed([50]));
    index.remove(a, removed([1]));
    expect(matches(index, promptKeys(tokens(4)))).toEqual([1]);
    index.remove(a, removed([60]));
    expect(matches(index, promptKeys(tokens(4)))).toEqual([0]);
    expect(index.stats().blocks).toBe(0);
  });

  it('ends a match at a removed inner block and counts what lies behind once it is stored again', () => {
    const { index, a } = withOne();
    index.store(a, chain(4));
    index.remove(a, removed([2]));
    expect(matches(index, promptKeys(tokens(16)))).toEqual([1]);
    expect(index.blocksOf(a)).toBe(3);
    index.store(a, stored({ keys: [2], parent: 1, tokenIds: tokens(4, 5) }));
    expect(matches(index, promptKeys(tokens(16)))).toEqual([4]);
  });

  it('lets a removed hash be a parent no more', () => {
    const { index, a } = withOne();
    index.store(a, chain(2));
    index.remove(a, removed([2]));
    expect(index.store(a, stored({ keys: [3], parent: 2, tokenIds: tokens(4, 9) })).kind).toBe('orphaned');
  });

  it('keeps a block until the last medium lets go of it', () => {
    const { index, a } = withOne();
    index.store(a, chain(2));
    index.store(a, placeholder([1, 2], 'CPU'));
    expect(index.mediaOf(a, promptKeys(tokens(8)), 1)).toEqual(['CPU', 'GPU']);
    index.remove(a, removed([1, 2]));
    expect(matches(index, promptKeys(tokens(8)))).toEqual([2]);
    expect(index.mediaOf(a, promptKeys(tokens(8)), 1)).toEqual(['CPU']);
    index.remove(a, removed([2], 'CPU'));
    expect(matches(index, promptKeys(tokens(8)))).toEqual([1]);
  });

  it('removes only from the medium and group named in the event', () => {
    const { index, a } = withOne();
    index.store(a, chain(1));
    expect(index.remove(a, removed([1], 'CPU'))).toBe(1);
    expect(index.remove(a, removed([1], 'GPU', 1))).toBe(1);
    expect(index.blocksOf(a)).toBe(1);
  });

  it('keeps a block until the last group lets go of it', () => {
    const { index, a } = withOne();
    index.store(a, chain(1));
    index.store(a, chain(1, { group: 1 }));
    index.remove(a, removed([1], 'GPU', 0));
    expect(matches(index, promptKeys(tokens(4)))).toEqual([1]);
    index.remove(a, removed([1], 'GPU', 1));
    expect(matches(index, promptKeys(tokens(4)))).toEqual([0]);
  });

  it('takes a parent announced on another medium or in another group of the same block size', () => {
    const { index, a } = withOne();
    index.store(a, chain(1, { medium: 'CPU' }));
    index.store(a, stored({ keys: [2], parent: 1, tokenIds: tokens(4, 5) }));
    index.store(a, stored({ keys: [3], parent: 2, tokenIds: tokens(4, 9), group: 4 }));
    expect(matches(index, promptKeys(tokens(12)))).toEqual([3]);
  });

  it('does not take a parent of another block size from another group', () => {
    const { index, a } = withOne();
    index.store(a, stored({ keys: [1], tokenIds: tokens(8), blockSize: 8, group: 1 }));
    expect(index.store(a, stored({ keys: [2], parent: 1, tokenIds: tokens(4, 9) })).kind).toBe('orphaned');
  });

  it('attaches placeholders by hash, leaves out unknown ones and ignores them when none is known', () => {
    const { index, a } = withOne();
    index.store(a, chain(1, { group: 2 }));
    expect(index.store(a, placeholder([1, 40]))).toEqual({ kind: 'stored', blocks: 1, duplicates: 0 });
    expect(index.store(a, placeholder([1]))).toEqual({ kind: 'stored', blocks: 0, duplicates: 1 });
    expect(index.store(a, placeholder([40]))).toEqual({ kind: 'ignored', why: 'unknown-placeholder' });
  });

  it('keeps the block that a hash stands for when another medium announces it without its extra keys', () => {
    const { index, a } = withOne();
    index.store(a, stored({ keys: [1], tokenIds: tokens(4), extras: [['tenant']] }));
    index.store(a, stored({ keys: [1, 2], tokenIds: tokens(8), medium: 'CPU' }));
    expect(matches(index, promptKeys(tokens(8)))).toEqual([0]);
    const salted = computeBlockKeys(tokens(8), { blockSize: 4, identity: { ...plainIdentity, salt: 'tenant' } });
    expect(matches(index, salted)).toEqual([2]);
  });

  it.each(['full_attention', 'mla_attention', 'sink_full_attention'])('indexes %s groups', (attentionKind) => {
    const { index, a } = withOne();
    expect(index.store(a, stored({ keys: [1], tokenIds: tokens(4), attentionKind })).kind).toBe('stored');
  });

  it.each(['sliding_window', 'mamba', 'unknown', 'something_new'])('ignores %s groups', (attentionKind) => {
    const { index, a } = withOne();
    const outcome = index.store(a, stored({ keys: [1], tokenIds: tokens(4), attentionKind, group: 1 }));
    expect(outcome).toEqual({ kind: 'ignored', why: 'attention-kind' });
    expect(index.remove(a, removed([1], 'GPU', 1))).toBe(0);
  });

  it.each([
    ['not-dense', stored({ keys: [1, 2], tokenIds: tokens(12) })],
    ['not-dense', stored({ keys: [1], tokenIds: [] })],
    ['malformed', stored({ keys: [1], tokenIds: tokens(4), blockSize: 0 })],
    ['malformed', stored({ keys: [1], tokenIds: tokens(4), blockSize: -4 })],
    ['malformed', stored({ keys: [1, 2], tokenIds: tokens(8), extras: [null] })],
    ['malformed', { ...stored({ keys: [], tokenIds: tokens(4) }), engineKeys: Int32Array.of(1, 2, 3) }],
  ])('ignores an event that is %s', (why, event) => {
    const { index, a } = withOne();
    expect(index.store(a, event)).toEqual({ kind: 'ignored', why });
    expect(index.stats()).toMatchObject({ blocks: 0, pairs: 0 });
  });

  it('ignores media and groups beyond the sixty-four that it tells apart', () => {
    const { index, a } = withOne();
    for (let group = 0; group < 100; group += 1) index.store(a, chain(1, { group }));
    expect(index.store(a, chain(1, { group: 100 }))).toEqual({ kind: 'ignored', why: 'malformed' });
    expect(index.store(a, chain(1, { group: 63 }))).toEqual({ kind: 'stored', blocks: 0, duplicates: 1 });
    expect(index.remove(a, removed([1], 'GPU', 64))).toBe(0);
  });

  it('takes an event without blocks as stored', () => {
    const { index, a } = withOne();
    expect(index.store(a, stored({ keys: [], tokenIds: [] }))).toEqual({ kind: 'stored', blocks: 0, duplicates: 0 });
  });

  it('keeps block sizes apart and lists those in use', () => {
    const { index, a, b } = withTwo();
    index.store(a, chain(2));
    index.store(b, stored({ keys: [1], tokenIds: tokens(8), blockSize: 8 }));
    expect(index.blockSizes()).toEqual([4, 8]);
    expect(matches(index, promptKeys(tokens(8), 4))).toEqual([2, 0]);
    expect(matches(index, promptKeys(tokens(8), 8))).toEqual([0, 1]);
    index.clear(a);
    expect(index.blockSizes()).toEqual([8]);
  });

  it('never matches blocks stored behind a block of another size, and still removes them', () => {
    const { index, a } = withOne();
    index.store(a, chain(1));
    index.store(a, stored({ keys: [2], parent: 1, tokenIds: tokens(2, 5), blockSize: 2 }));
    expect(index.blocksOf(a)).toBe(2);
    expect(matches(index, promptKeys(tokens(6), 2))).toEqual([0]);
    expect(matches(index, promptKeys(tokens(6), 4))).toEqual([1]);
    expect(index.remove(a, removed([2]))).toBe(0);
    expect(index.blocksOf(a)).toBe(1);
  });

  it('sums up the best medium weight of each block along the match', () => {
    const { index, a, b } = withTwo();
    index.store(a, chain(3));
    index.store(a, placeholder([1, 2, 3], 'CPU'));
    index.remove(a, removed([2, 3]));
    index.store(b, chain(2, { medium: 'DISK' }));
    const into = { blocks: new Int32Array(2), weightedBlocks: new Float64Array(2) };
    const weights: Readonly<Record<string, number>> = { GPU: 1, CPU: 0.5, DISK: 0.25 };
    index.matchByMedium(promptKeys(tokens(16)), (medium) => weights[medium] ?? 0, into);
    expect([...into.blocks]).toEqual([3, 2]);
    expect([...into.weightedBlocks]).toEqual([2, 0.5]);
  });

  it('names the media that hold blocks, until their endpoints are cleared or gone', () => {
    const { index, a, b } = withTwo();
    expect(index.media()).toEqual([]);
    index.store(a, chain(3));
    index.store(a, placeholder([1], 'CPU'));
    index.store(b, chain(2, { medium: 'FS' }));
    expect(index.media()).toEqual(['CPU', 'FS', 'GPU']);
    expect(index.media()).toEqual(index.media());
    index.clear(a);
    expect(index.media()).toEqual(['FS']);
    index.removeHolder(b);
    expect(index.media()).toEqual([]);
  });

  it('says whether one block is held', () => {
    const { index, a, b } = withTwo();
    const keys = promptKeys(tokens(12));
    index.store(a, chain(2));
    expect([-1, 0, 1, 2, 3].map((block) => index.holds(a, keys, block))).toEqual([false, true, true, false, false]);
    expect(index.holds(b, keys, 0)).toBe(false);
    expect(index.holds(unknownHolder, keys, 0)).toBe(false);
    expect(index.mediaOf(unknownHolder, keys, 0)).toEqual([]);
  });

  it('says from a block on up to where an endpoint holds a prompt', () => {
    const { index, a, b } = withTwo();
    const keys = promptKeys(tokens(12));
    const from = (...blocks: number[]) => blocks.map((block) => index.heldUntil(a, keys, block));
    index.store(a, chain(2));
    index.store(b, chain(3));
    expect(from(0, 1, 2, 3)).toEqual([2, 2, 2, 3]);
    expect(index.heldUntil(b, keys, 0)).toBe(3);
    expect(index.heldUntil(unknownHolder, keys, 0)).toBe(0);
  });

  it('empties one endpoint at once and leaves the others', () => {
    const { index, a, b } = withTwo();
    index.store(a, chain(3));
    index.store(a, placeholder([1], 'CPU'));
    index.store(b, chain(2));
    expect(index.clear(a)).toBe(3);
    expect(matches(index, promptKeys(tokens(12)))).toEqual([0, 2]);
    expect(index.stats()).toMatchObject({ blocks: 2, pairs: 2, holders: 2 });
    expect(index.remove(a, removed([1]))).toBe(1);
    index.store(a, chain(1));
    expect(matches(index, promptKeys(tokens(12)))).toEqual([1, 2]);
  });

  it('gives a removed endpoint’s number out again, empty', () => {
    const { index, a, b } = withTwo();
    index.store(a, chain(3));
    index.removeHolder(a);
    index.removeHolder(a);
    expect(matches(index, promptKeys(tokens(12)))).toEqual([0, 0]);
    const again = index.addHolder(endpointId('p/other'));
    expect(again).toBe(a);
    expect(index.capacity).toBe(2);
    expect(index.blocksOf(again)).toBe(0);
    index.store(b, chain(1));
    expect(matches(index, promptKeys(tokens(12)))).toEqual([0, 1]);
  });

  it('refuses an endpoint that is registered and numbers that are not', () => {
    const { index } = withOne();
    expect(codeOf(() => index.addHolder(endpointId('p/a')))).toBe('invalid-argument');
    expect(codeOf(() => index.store(unknownHolder, chain(1)))).toBe('invalid-argument');
    expect(codeOf(() => index.remove(unknownHolder, removed([1])))).toBe('invalid-argument');
    expect(codeOf(() => index.clear(unknownHolder))).toBe('invalid-argument');
    expect(index.blocksOf(unknownHolder)).toBe(0);
  });

  it('counts blocks and pairs once whatever their copies', () => {
    const { index, a, b } = withTwo();
    index.store(a, chain(3));
    index.store(a, chain(3, { group: 1 }));
    index.store(a, placeholder([1, 2], 'CPU'));
    index.store(b, chain(2));
    expect(index.stats()).toMatchObject({ blocks: 3, pairs: 5, holders: 2, evictedBlocks: 0 });
    expect([index.blocksOf(a), index.blocksOf(b)]).toEqual([3, 2]);
  });

  it('serves hundreds of endpoints that share a prefix', () => {
    const { index, holders } = withHolders(700);
    for (const holder of holders) index.store(holder, chain(1 + (holder % 5)));
    const expected = holders.map((holder) => 1 + (holder % 5));
    expect(matches(index, promptKeys(tokens(40)))).toEqual(expected);
    for (const holder of holders.slice(0, 350)) index.removeHolder(holder);
    expect(matches(index, promptKeys(tokens(40)))).toEqual(expected.map((blocks, at) => (at < 350 ? 0 : blocks)));
  });
});
