import type { BlockExtra, EngineKey } from '../../kvindex/index.ts';

/** Field of an event by its name on the wire; the last five are known and not needed. */
export type EventField =
  | 'block_hashes'
  | 'parent_block_hash'
  | 'token_ids'
  | 'block_size'
  | 'lora_id'
  | 'medium'
  | 'lora_name'
  | 'extra_keys'
  | 'group_idx'
  | 'kv_cache_spec_kind'
  | 'cache_salt'
  | 'type'
  | 'kv_cache_spec_sliding_window'
  | 'locality'
  | 'ownership'
  | 'session_id';

/** An event's fields as they are collected, whatever its kind and encoding; refilled for each event. */
export class EventDraft {
  engineKeys: Int32Array | null = null;
  parent: EngineKey | null = null;
  /** Null where there is no such field, or where an element is not a plain token id. */
  tokenIds: Int32Array | null = null;
  blockSize = 0;
  loraId: number | null = null;
  loraName: string | null = null;
  medium = 'GPU';
  extras: (BlockExtra[] | null)[] | null = null;
  group = 0;
  attentionKind: string | null = null;
  salt: string | null = null;
  skippedFields = 0;

  /** Back to what an event without fields means. */
  reset(): void {
    this.engineKeys = null;
    this.parent = null;
    this.tokenIds = null;
    this.blockSize = 0;
    this.loraId = null;
    this.loraName = null;
    this.medium = 'GPU';
    this.extras = null;
    this.group = 0;
    this.attentionKind = null;
    this.salt = null;
    this.skippedFields = 0;
  }
}
