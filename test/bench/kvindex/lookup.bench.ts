import { createNaivePrefixIndex, createPrefixIndex, type PrefixIndex } from '../../../sidecar/kvindex/index.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { type Filled, fill, keySeed, keysOf } from './workload.ts';

const ENDPOINTS = 64;

/** Looks prompts of one length up, one after the other; those of 4,096 blocks are the longest there are. */
const lookups = (name: string, index: PrefixIndex, filled: Filled, blocks: number): BenchmarkBody => {
  const prompts = filled.chats
    .filter((chat) => chat.blocks + 64 === blocks)
    .slice(-256)
    .map(keysOf);
  const into = new Int32Array(index.capacity);
  let next = 0;
  return {
    name,
    run: () => {
      const keys = prompts[next];
      next = (next + 1) % prompts.length;
      if (keys !== undefined) index.match(keys, into);
      return into;
    },
  };
};

const fillFigures = (index: PrefixIndex, filled: Filled): Readonly<Record<string, number>> => {
  const { blocks, pairs, bytes } = index.stats();
  return {
    blocks,
    pairs,
    'bytes a block, with 40 a pair taken off': (bytes - 40 * pairs) / blocks,
    'bytes in all': bytes,
    'blocks stored a second': (filled.storedBlocks / filled.storeMs) * 1000,
    'longest store ms': filled.longestStoreMs,
  };
};

/** Both indexes hold the same blocks. */
const against = (blocks: number, promptBlocks: number): Benchmark => ({
  name: `lookup of ${promptBlocks} blocks among ${blocks} on ${ENDPOINTS} endpoints`,
  unit: 'block',
  unitsPerCall: promptBlocks,
  setup: ({ isSmoke }) => {
    const size = { blocks: isSmoke ? 20_000 : blocks, endpoints: ENDPOINTS };
    const arena = createPrefixIndex({ keySeed });
    const naive = createNaivePrefixIndex({ keySeed });
    const filledArena = fill(arena, size);
    const filledNaive = fill(naive, size);
    return {
      baseline: 'naive',
      bodies: [
        lookups('naive', naive, filledNaive, promptBlocks),
        { ...lookups('arena', arena, filledArena, promptBlocks), figures: () => fillFigures(arena, filledArena) },
      ],
    };
  },
});

/** Ten million blocks; a naive twin of that size does not fit into Maps. */
const large: Benchmark = {
  name: `lookup among 10 million blocks on ${ENDPOINTS} endpoints`,
  unit: 'prompt',
  unitsPerCall: 1,
  isHeavy: true,
  setup: () => {
    const index = createPrefixIndex({ keySeed, maxBlocks: 12_000_000 });
    const filled = fill(index, { blocks: 10_000_000, endpoints: ENDPOINTS });
    return {
      baseline: '512 blocks',
      bodies: [
        lookups('96 blocks', index, filled, 96),
        lookups('512 blocks', index, filled, 512),
        { ...lookups('4096 blocks', index, filled, 4096), figures: () => fillFigures(index, filled) },
      ],
    };
  },
};

export const benchmarks: readonly Benchmark[] = [against(1_000_000, 96), against(1_000_000, 4096), large];
