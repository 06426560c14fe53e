/**
 * kvindex: which endpoint holds which block: token ids → block keys, prefix index, longest-prefix match.
 * Written to by `events` (PrefixIndexWriter) and, for speculative entries and routing history, by `routing`.
 * Read by `routing` (PrefixIndexReader).
 * Events of one holder must be applied in stream order; everything is synchronous and does no I/O.
 * The event vocabulary is vLLM's (vllm/distributed/kv_events.py); block keys are our own.
 */
export type {
  BlockExtra,
  BlockKeys,
  KeySeed,
  MultimodalForm,
  MultimodalItem,
  PromptIdentity,
} from './block-keys.ts';
export { createPrefixIndex } from './create-prefix-index.ts';
export {
  computeBlockKeys,
  createBlockKeyBuffer,
} from './keys/compute-block-keys.ts';
export { processKeySeed, randomKeySeed } from './keys/key-seed.ts';
export type { BlockRemoved, BlockStored, EngineKey, KvEvent } from './kv-event.ts';
export { createNaivePrefixIndex } from './naive-prefix-index.ts';
export type {
  DumpablePrefixIndex,
  Holder,
  PrefixIndex,
  PrefixIndexReader,
  PrefixIndexWriter,
  StoreOutcome,
} from './port.ts';
export { createRoutingHistory, type RoutingHistory } from './routing-history.ts';
export { createSpeculativeIndex, type SpeculativeIndex } from './speculative-index.ts';
