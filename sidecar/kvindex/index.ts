/**
 * kvindex: which endpoint holds which block: token ids → block keys, prefix index, longest-prefix match.
 * Written to by `events` (PrefixIndexWriter) and, for speculative entries and routing history, by `routing`.
 * Read by `routing` (PrefixIndexReader).
 * Events of one holder must be applied in stream order; everything is synchronous and does no I/O.
 * The event vocabulary is vLLM's (vllm/distributed/kv_events.py); block keys are our own.
 */
export type { BlockExtra, BlockKeys, MultimodalItem, PromptIdentity } from './block-keys.ts';
export type { AllBlocksCleared, BlockRemoved, BlockStored, EngineKey, KvEvent } from './kv-event.ts';
export type { Holder, IndexStats, PrefixIndex, PrefixIndexReader, PrefixIndexWriter, StoreOutcome } from './port.ts';
