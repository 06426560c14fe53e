import type { Medium } from '../core/index.ts';
import type { BlockExtra } from './block-keys.ts';

/**
 * An engine's own hash of a block, reduced to 64 bits: integers as they are (two's complement), byte strings by their
 * last 8 bytes, big-endian. Opaque: it only links events of one stream to each other.
 */
export interface EngineKey {
  readonly lo: number;
  readonly hi: number;
}

/** Blocks entered an endpoint's cache. */
export interface BlockStored {
  readonly kind: 'block-stored';
  /** Engine keys in order, `[lo, hi]` pairs. */
  readonly engineKeys: Int32Array;
  /** Block before the first one; null when the run starts at token 0. */
  readonly parent: EngineKey | null;
  /** Exactly these blocks' tokens; empty for placeholder events of offload tiers, which attach by hash. */
  readonly tokenIds: Int32Array;
  /** Tokens a block, 0 for placeholders. */
  readonly blockSize: number;
  readonly loraName: string | null;
  /** One entry a block, or null where the engine reports none. The LoRA name is already taken off. */
  readonly extras: readonly (readonly BlockExtra[] | null)[] | null;
  readonly medium: Medium;
  /** KV-cache group; 0 where the engine has none. */
  readonly group: number;
  /** Attention kind of the group by vLLM's word, null where not reported. */
  readonly attentionKind: string | null;
}

/** One copy of each block left a medium of an endpoint. */
export interface BlockRemoved {
  readonly kind: 'block-removed';
  /** Engine keys, `[lo, hi]` pairs. */
  readonly engineKeys: Int32Array;
  readonly medium: Medium;
  readonly group: number;
}

/** The endpoint's whole cache is empty. */
interface AllBlocksCleared {
  readonly kind: 'all-blocks-cleared';
}

/** What an engine reports about its prefix cache, by vLLM's `vllm/distributed/kv_events.py`. */
export type KvEvent = BlockStored | BlockRemoved | AllBlocksCleared;
