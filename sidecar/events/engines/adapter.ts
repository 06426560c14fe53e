import type { EngineKind } from '../../core/index.ts';
import type { KvEvent } from '../../kvindex/index.ts';

/** One event batch as published: the engine's step that changed its cache. */
export interface EventBatch {
  /** Unix seconds at which the engine made the batch. */
  readonly timestampSeconds: number;
  /** Data-parallel rank, null where the batch does not say. */
  readonly rank: number | null;
  /** In the order in which they must be applied. */
  readonly events: readonly KvEvent[];
  /** Events of kinds not known here, or whose tokens are not plain ids; left out of `events`. */
  readonly skippedEvents: number;
  /** Fields not known here; stepped over. */
  readonly skippedFields: number;
}

/** What can be read of a batch without building its events. */
export interface BatchHead {
  readonly timestampSeconds: number;
  readonly rank: number | null;
}

/** Reads one engine family's event payloads. Stateless; shared by all streams. */
export interface EngineAdapter {
  readonly engine: EngineKind;
  /** The whole batch, or `malformed-frame`; nothing else is ever thrown. O(bytes). */
  decode(payload: Uint8Array): EventBatch;
  /** As `decode`, stepping over the events. */
  peek(payload: Uint8Array): BatchHead;
}
