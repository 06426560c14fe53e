import type { BlockStored } from './kv-event.ts';
import type { IgnoreReason } from './port.ts';

/** KV-cache groups whose blocks stand for all tokens before them, by vLLM's words (vllm/v1/kv_cache_interface.py). */
const DENSE_KINDS: ReadonlySet<string> = new Set(['full_attention', 'mla_attention', 'sink_full_attention']);

/** Media and groups of one endpoint that are told apart; more than any engine has, so that no stream fills memory. */
export const MOST_SHELVES = 64;

/** Whether a stored event carries only engine keys, as offload tiers send for blocks that another medium announced. */
export const isPlaceholder = (event: BlockStored): boolean => event.blockSize === 0 && event.tokenIds.length === 0;

/** Why a stored event cannot be applied whatever the index holds; null where it can. */
export const reasonToIgnore = (event: BlockStored): IgnoreReason | null => {
  const { attentionKind, blockSize, engineKeys, extras, tokenIds } = event;
  if (attentionKind !== null && !DENSE_KINDS.has(attentionKind)) return 'attention-kind';
  if (engineKeys.length % 2 !== 0) return 'malformed';
  const blocks = engineKeys.length / 2;
  if (extras !== null && extras.length !== blocks) return 'malformed';
  if (isPlaceholder(event)) return null;
  if (!Number.isInteger(blockSize) || blockSize < 1) return 'malformed';
  return blocks * blockSize === tokenIds.length ? null : 'not-dense';
};
