import type { EngineAdapter } from './adapter.ts';
import { createAdapter } from './create-adapter.ts';

/**
 * SGLang: vLLM's frames and tags with signed hashes, one page an event, and no LoRA name, extra keys or groups. A salt
 * comes as a trailing map (0.5.18) or as a field of a map event (later). Source of the format:
 * python/sglang/srt/disaggregation/kv_events.py.
 */
export const sglangAdapter: EngineAdapter = createAdapter({
  engine: 'sglang',
  storedFields: ['block_hashes', 'parent_block_hash', 'token_ids', 'block_size', 'lora_id', 'medium'],
  removedFields: ['block_hashes', 'medium'],
  maxPayloadBytes: 64 * 1024 * 1024,
});
