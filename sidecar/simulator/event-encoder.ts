import { type CacheEvent, extraKeysOf, type RemovedEvent, type StoredEvent } from './cache-event.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

/** One step's events, ready to be published. */
interface EventBatch {
  /** Seconds since the Unix epoch. */
  readonly atSeconds: number;
  readonly events: readonly CacheEvent[];
  /** Data-parallel rank, 0 where there is one only. */
  readonly rank: number;
}

/** Turns a batch into the payload frame. */
export type EncodeBatch = (batch: EventBatch) => Buffer;

const medium = 'GPU';
const group = 0;
const attentionKind = 'full_attention';

/** Writes fields one by one, as positions of an array or as entries of a map. */
interface FieldWriter {
  readonly open: (tag: string, fields: number) => void;
  readonly name: (field: string) => void;
}

const positional = (writer: MsgpackWriter): FieldWriter => ({
  open: (tag, fields) => {
    writer.arrayHead(fields + 1);
    writer.string(tag);
  },
  name: () => {},
});

const named = (writer: MsgpackWriter): FieldWriter => ({
  open: (tag, fields) => {
    writer.mapHead(fields + 1);
    writer.string('type');
    writer.string(tag);
  },
  name: (field) => writer.string(field),
});

const writeList = <Item>(writer: MsgpackWriter, items: readonly Item[], write: (item: Item) => void): void => {
  writer.arrayHead(items.length);
  for (const item of items) write(item);
};

const writeTokens = (writer: MsgpackWriter, { blocks }: StoredEvent): void => {
  writer.arrayHead(blocks.reduce((count, { tokenIds }) => count + tokenIds.length, 0));
  for (const { tokenIds } of blocks) for (const tokenId of tokenIds) writer.uint(tokenId);
};

const writeNullable = <Value>(writer: MsgpackWriter, value: Value | null, write: (value: Value) => void): void => {
  if (value === null) writer.nil();
  else write(value);
};

/** The eight fields every release writes, then group and attention kind: ten fields. */
const writeStored = (writer: MsgpackWriter, fields: FieldWriter, event: StoredEvent): void => {
  const [first] = event.blocks;
  fields.name('block_hashes');
  writeList(writer, event.blocks, ({ hash }) => writer.uint64(hash));
  fields.name('parent_block_hash');
  writeNullable(writer, first?.parent ?? null, ({ hash }) => writer.uint64(hash));
  fields.name('token_ids');
  writeTokens(writer, event);
  fields.name('block_size');
  writer.uint(first?.tokenIds.length ?? 0);
  fields.name('lora_id');
  writeNullable(writer, event.lora, ({ id }) => writer.uint(id));
  fields.name('medium');
  writer.string(medium);
  fields.name('lora_name');
  writeNullable(writer, event.lora, ({ name }) => writer.string(name));
  fields.name('extra_keys');
  writeList(writer, event.blocks, (block) =>
    writeNullable(writer, extraKeysOf(block), (keys) => writeList(writer, keys, (key) => writer.string(key))),
  );
  fields.name('group_idx');
  writer.uint(group);
  fields.name('kv_cache_spec_kind');
  writer.string(attentionKind);
};

const storedFields = 10;

const writeRemoved = (writer: MsgpackWriter, fields: FieldWriter, event: RemovedEvent): void => {
  fields.open('BlockRemoved', 3);
  fields.name('block_hashes');
  writeList(writer, [event.hash], (hash) => writer.uint64(hash));
  fields.name('medium');
  writer.string(medium);
  fields.name('group_idx');
  writer.uint(group);
};

/**
 * Creates an encoder of vLLM's event batches (vllm/distributed/kv_events.py): the batch is always an array of time,
 * events and rank. `array`: events are positional with every field of vLLM 0.23, the sliding window as null. `map`:
 * events are maps of vLLM 0.32, fields at their default left out, `session_id` where the request had one.
 */
export const createEventEncoder = (encoding: 'array' | 'map'): EncodeBatch => {
  const writer = new MsgpackWriter();
  const fields = encoding === 'array' ? positional(writer) : named(writer);
  const write = (event: CacheEvent): void => {
    switch (event.kind) {
      case 'cleared':
        fields.open('AllBlocksCleared', 0);
        return;
      case 'removed':
        writeRemoved(writer, fields, event);
        return;
      case 'stored': {
        const hasTail = encoding === 'array' || event.sessionId !== null;
        fields.open('BlockStored', hasTail ? storedFields + 1 : storedFields);
        writeStored(writer, fields, event);
        if (encoding === 'array') writer.nil();
        else if (event.sessionId !== null) {
          fields.name('session_id');
          writer.string(event.sessionId);
        }
      }
    }
  };
  return ({ atSeconds, events, rank }) => {
    writer.arrayHead(3);
    writer.float(atSeconds);
    writeList(writer, events, write);
    writer.uint(rank);
    return writer.take();
  };
};
