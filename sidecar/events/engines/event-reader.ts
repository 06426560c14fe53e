import type { EngineKind } from '../../core/index.ts';
import type { BlockExtra, BlockStored, KvEvent } from '../../kvindex/index.ts';
import type { EventDraft, EventField } from './event-draft.ts';
import { readField } from './field-readers.ts';
import { type MsgpackReader, malformed } from './msgpack-reader.ts';
import { WordTable } from './word-table.ts';

/** What tells one engine family's payloads from another's: the order of fields in events that are arrays. */
export interface Dialect {
  readonly engine: EngineKind;
  /** Fields of a positional BlockStored, after its tag. */
  readonly storedFields: readonly EventField[];
  /** Fields of a positional BlockRemoved, after its tag. */
  readonly removedFields: readonly EventField[];
  /** Largest payload that is looked at, in bytes. */
  readonly maxPayloadBytes: number;
}

type Tag = 'BlockStored' | 'BlockRemoved' | 'AllBlocksCleared';

const tags = new WordTable<Tag>(['BlockStored', 'BlockRemoved', 'AllBlocksCleared']);
const tagKey = new WordTable(['type']);
const fieldNames = new WordTable<EventField>([
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
  'cache_salt',
  'type',
  'kv_cache_spec_sliding_window',
  'locality',
  'ownership',
  'session_id',
]);

/** The word of `table` that the next value spells; null where it spells another or is no text. Steps over it. */
export const findWord = <Word extends string>(reader: MsgpackReader, table: WordTable<Word>): Word | null => {
  if (reader.peekKind() !== 'text') {
    reader.skip();
    return null;
  }
  const length = reader.readTextLength();
  const word = table.find(reader.bytes, reader.offset, length);
  reader.offset += length;
  return word;
};

/** Reads `pairs` named fields into the draft; nil values keep what an absent field means. */
const readNamedFields = (reader: MsgpackReader, pairs: number, draft: EventDraft): void => {
  for (let pair = 0; pair < pairs; pair += 1) {
    const field = findWord(reader, fieldNames);
    if (field === null) {
      draft.skippedFields += 1;
      reader.skip();
    } else if (!reader.takeNil()) {
      readField(reader, field, draft);
    }
  }
};

/** The tag of a map event, which may stand anywhere in it; leaves the reader where it was. */
const findTag = (reader: MsgpackReader, pairs: number): Tag | null => {
  const start = reader.offset;
  let tag: Tag | null = null;
  for (let pair = 0; pair < pairs && tag === null; pair += 1) {
    if (findWord(reader, tagKey) === 'type') tag = findWord(reader, tags);
    else reader.skip();
  }
  reader.offset = start;
  return tag;
};

/** The salt as vLLM would report it: an extra of block 0 only, which later blocks inherit through their parent. */
const withSalt = (draft: EventDraft, blocks: number): void => {
  if (draft.salt === null || draft.parent !== null || blocks === 0) return;
  draft.extras ??= new Array<BlockExtra[] | null>(blocks).fill(null);
  draft.extras[0] = [...(draft.extras[0] ?? []), draft.salt];
};

/** Takes the LoRA name off the front of each block's extras; null where nothing is left in any. */
const withoutLora = (draft: EventDraft): BlockStored['extras'] => {
  if (draft.extras === null) return null;
  let isEmpty = true;
  const extras = draft.extras.map((entry) => {
    const rest = entry !== null && draft.loraName !== null && entry[0] === draft.loraName ? entry.slice(1) : entry;
    if (rest === null || rest.length === 0) return null;
    isEmpty = false;
    return rest;
  });
  return isEmpty ? null : extras;
};

const storedOf = (draft: EventDraft): KvEvent | null => {
  if (draft.engineKeys === null) throw malformed('BlockStored has no block_hashes');
  if (draft.tokenIds === null) return null;
  if (draft.blockSize < 0) throw malformed('block_size is negative');
  withSalt(draft, draft.engineKeys.length / 2);
  return {
    kind: 'block-stored',
    engineKeys: draft.engineKeys,
    parent: draft.parent,
    tokenIds: draft.tokenIds,
    blockSize: draft.blockSize,
    // Engines before vLLM 0.14 give the adapter's number only: a name that no request carries keeps its blocks apart.
    loraName: draft.loraName ?? (draft.loraId === null ? null : `lora-id:${draft.loraId}`),
    extras: withoutLora(draft),
    medium: draft.medium,
    group: draft.group,
    attentionKind: draft.attentionKind,
  };
};

const removedOf = (draft: EventDraft): KvEvent => {
  if (draft.engineKeys === null) throw malformed('BlockRemoved has no block_hashes');
  return { kind: 'block-removed', engineKeys: draft.engineKeys, medium: draft.medium, group: draft.group };
};

const cleared: KvEvent = { kind: 'all-blocks-cleared' };

/** Reads one event of a dialect; the draft is scratch. Null where its kind is not known or it cannot be represented. */
export type EventReader = (reader: MsgpackReader, draft: EventDraft) => KvEvent | null;

/** Creates the reader of a dialect's events. Array or map is decided per event. */
export const createEventReader = (dialect: Dialect): EventReader => {
  const readArrayEvent = (reader: MsgpackReader, draft: EventDraft): Tag | null => {
    const length = reader.readArrayLength();
    const tag = length === 0 ? null : findWord(reader, tags);
    const fields = tag === 'BlockStored' ? dialect.storedFields : tag === 'BlockRemoved' ? dialect.removedFields : [];
    for (let i = 0; i < length - 1; i += 1) {
      const field = fields[i];
      if (tag !== null && reader.peekKind() === 'map') {
        readNamedFields(reader, reader.readMapLength(), draft);
      } else if (field === undefined) {
        if (tag !== null) draft.skippedFields += 1;
        reader.skip();
      } else if (!reader.takeNil()) {
        readField(reader, field, draft);
      }
    }
    return tag;
  };

  const readMapEvent = (reader: MsgpackReader, draft: EventDraft): Tag | null => {
    const pairs = reader.readMapLength();
    const tag = findTag(reader, pairs);
    if (tag === null) {
      for (let i = 0; i < 2 * pairs; i += 1) reader.skip();
      return null;
    }
    readNamedFields(reader, pairs, draft);
    return tag;
  };

  return (reader, draft) => {
    draft.reset();
    const kind = reader.peekKind();
    let tag: Tag | null = null;
    if (kind === 'array') tag = readArrayEvent(reader, draft);
    else if (kind === 'map') tag = readMapEvent(reader, draft);
    else reader.skip();
    if (tag === null) return null;
    if (tag === 'BlockStored') return storedOf(draft);
    return tag === 'BlockRemoved' ? removedOf(draft) : cleared;
  };
};
