import type { EngineAdapter } from './adapter.ts';
import { createAdapter } from './create-adapter.ts';

/**
 * vLLM 0.9 to current, and what speaks like it (vllm-ascend, llm-d-inference-sim, TensorRT-LLM's KV manager V2). Up to 0.23
 * events are arrays of a length that grew from version to version; from 0.24 they are maps. Each event is taken as it
 * comes, so that a fleet may mix versions. Source of the format: vllm/distributed/kv_events.py.
 */
export const vllmAdapter: EngineAdapter = createAdapter({
  engine: 'vllm',
  storedFields: [
    'block_hashes',
    'parent_block_hash',
    'token_ids',
    'block_size',
    'lora_id',
    'medium',
    'lora_name',
    'extra_keys',
    'group_idx',
    'kv_cache_spec_kind',
    'kv_cache_spec_sliding_window',
  ],
  removedFields: ['block_hashes', 'medium', 'group_idx'],
  maxPayloadBytes: 64 * 1024 * 1024,
});
