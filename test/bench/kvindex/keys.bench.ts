import { type BlockKeys, computeBlockKeys, createBlockKeyBuffer } from '../../../sidecar/kvindex/index.ts';
import type { Benchmark } from '../harness.ts';
import { BLOCK_SIZE, keySeed, plain } from './workload.ts';

const BLOCKS = 4096;

/** FNV-1a over the parent's hash and the tokens, 64 bits in a BigInt: the straightforward way. */
const naiveKeys = (tokenIds: Int32Array): readonly bigint[] => {
  const keys: bigint[] = [];
  let hash = 0xcbf29ce484222325n;
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const token of tokenIds.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(token)) * 0x100000001b3n);
    }
    keys.push(hash);
  }
  return keys;
};

const keysOfPrompt: Benchmark = {
  name: 'keys of a prompt of 65,536 tokens in blocks of 16',
  unit: 'block',
  unitsPerCall: BLOCKS,
  setup: () => {
    const tokenIds = Int32Array.from({ length: BLOCKS * BLOCK_SIZE }, (_, at) => (at * 7919) % 150_000);
    const into = createBlockKeyBuffer();
    const options = { blockSize: BLOCK_SIZE, identity: plain, seed: keySeed };
    let whole: BlockKeys = computeBlockKeys(tokenIds, options);
    const tail = tokenIds.subarray((BLOCKS - 64) * BLOCK_SIZE);
    const resume = { blocks: BLOCKS - 64, lo: whole.lo[BLOCKS - 65] ?? 0, hi: whole.hi[BLOCKS - 65] ?? 0 };
    return {
      baseline: 'naive (BigInt FNV-1a)',
      bodies: [
        { name: 'naive (BigInt FNV-1a)', run: () => naiveKeys(tokenIds) },
        {
          name: 'computeBlockKeys',
          run: () => {
            whole = computeBlockKeys(tokenIds, { ...options, into });
            return whole;
          },
        },
        { name: 'computeBlockKeys, last 64 blocks', run: () => computeBlockKeys(tail, { ...options, into, resume }) },
      ],
    };
  },
};

export const benchmarks: readonly Benchmark[] = [keysOfPrompt];
