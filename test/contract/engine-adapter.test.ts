import { describeEngineAdapter } from './engine-adapter-suite.ts';

const signed = (hash: bigint): bigint => BigInt.asIntN(64, hash);

describeEngineAdapter({
  engine: 'vllm',
  stored: ({ hashes, parent, tokens, blockSize, salt }) => ({
    type: 'BlockStored',
    block_hashes: hashes,
    parent_block_hash: parent,
    token_ids: tokens,
    block_size: blockSize,
    lora_id: null,
    medium: 'GPU',
    lora_name: null,
    // vLLM reports a salt with the block that begins the prompt only.
    extra_keys: salt === null || parent !== null ? null : hashes.map((_, block) => (block === 0 ? [salt] : null)),
    group_idx: 0,
  }),
  removed: (hashes) => ({ type: 'BlockRemoved', block_hashes: hashes, medium: 'GPU' }),
  cleared: () => ({ type: 'AllBlocksCleared' }),
});

describeEngineAdapter({
  engine: 'sglang',
  stored: ({ hashes, parent, tokens, blockSize, salt }) => [
    'BlockStored',
    hashes.map(signed),
    parent === null ? null : signed(parent),
    tokens,
    blockSize,
    null,
    'GPU',
    ...(salt === null ? [] : [{ cache_salt: salt }]),
  ],
  removed: (hashes) => ['BlockRemoved', hashes.map(signed), 'GPU'],
  cleared: () => ['AllBlocksCleared'],
});
