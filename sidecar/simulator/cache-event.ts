/** LoRA adapter of a request: its name and the engine's own number for it, from 1. */
export interface LoraAdapter {
  readonly id: number;
  readonly name: string;
}

/** What makes a block its own: its tokens, the block before it, and extra keys. Shared by every copy of the block. */
export interface BlockIdentity {
  /** 64-bit hash of the whole chain up to this block. */
  readonly hash: bigint;
  readonly parent: BlockIdentity | null;
  /** Blocks before this one. */
  readonly depth: number;
  readonly tokenIds: Int32Array;
  readonly loraName: string | null;
  /** Salt of the chain, which only block 0 carries as an extra key. */
  readonly salt: string | null;
}

/** vLLM's `extra_keys` of a block: LoRA name on every block, salt on block 0; null where there is neither. */
export const extraKeysOf = ({ loraName, salt, depth }: BlockIdentity): readonly string[] | null => {
  const keys = [...(loraName === null ? [] : [loraName]), ...(salt === null || depth > 0 ? [] : [salt])];
  return keys.length === 0 ? null : keys;
};

/** A run of consecutive blocks of one request entered the cache. */
export interface StoredEvent {
  readonly kind: 'stored';
  /** In order; the first one's `parent` is the event's parent. Never empty. */
  readonly blocks: readonly BlockIdentity[];
  readonly lora: LoraAdapter | null;
  readonly sessionId: string | null;
}

/** One copy of a block left the cache. */
export interface RemovedEvent {
  readonly kind: 'removed';
  readonly hash: bigint;
}

/** The whole cache was dropped. */
interface ClearedEvent {
  readonly kind: 'cleared';
}

/** What happened to the engine's cache, in the order in which it happened. */
export type CacheEvent = StoredEvent | RemovedEvent | ClearedEvent;
