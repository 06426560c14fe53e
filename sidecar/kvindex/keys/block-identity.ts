import type { BlockExtra, KeySeed, MultimodalForm, PromptIdentity } from '../block-keys.ts';
import { absorbInteger, absorbText } from './key-mixing.ts';

const TEXT = 1;
const TEXT_AND_OFFSET = 2;
const BYTES = 3;

/**
 * Starts a chain: writes to `state` the key that a prompt's first block has as its parent. Block size and LoRA name
 * enter here, and so every block of the chain.
 */
export const startChain = (
  state: Int32Array,
  options: { readonly seed: KeySeed; readonly blockSize: number; readonly loraName: string | null },
): void => {
  state[0] = options.seed.lo;
  state[1] = options.seed.hi;
  absorbInteger(state, options.blockSize);
  if (options.loraName !== null) absorbText(state, options.loraName);
};

/** Mixes one element of a block's identity into its key. */
export const absorbExtra = (state: Int32Array, extra: BlockExtra): void => {
  if (typeof extra === 'string') {
    absorbInteger(state, TEXT);
    absorbText(state, extra);
  } else if (extra instanceof Uint8Array) {
    absorbInteger(state, BYTES);
    absorbInteger(state, extra.length);
    for (const byte of extra) absorbInteger(state, byte);
  } else {
    absorbInteger(state, TEXT_AND_OFFSET);
    absorbText(state, extra[0]);
    absorbInteger(state, extra[1]);
  }
};

/**
 * Mixes into a block's key what a prompt's identity adds to it: the multimodal items that overlap the block, in order,
 * then on block 0 the salt; the order of vLLM's `generate_block_hash_extra_keys` (vllm/v1/core/kv_cache_utils.py).
 */
export const absorbIdentity = (
  state: Int32Array,
  identity: PromptIdentity,
  block: { readonly startToken: number; readonly endToken: number; readonly form: MultimodalForm },
): void => {
  for (const { identifier, offset, length } of identity.multimodal) {
    if (offset >= block.endToken) break;
    if (offset + length <= block.startToken) continue;
    absorbExtra(state, block.form === 'identifier' ? identifier : [identifier, offset - block.startToken]);
  }
  if (block.startToken === 0 && identity.salt !== null) absorbExtra(state, identity.salt);
};
