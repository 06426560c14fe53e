import type { KvEvent } from '../../kvindex/index.ts';
import type { BatchHead, EngineAdapter, EventBatch } from './adapter.ts';
import { EventDraft } from './event-draft.ts';
import { createEventReader, type Dialect, findWord } from './event-reader.ts';
import { MsgpackReader, malformed } from './msgpack-reader.ts';
import { WordTable } from './word-table.ts';

const batchKeys = new WordTable(['ts', 'events', 'data_parallel_rank', 'attn_dp_rank']);

/** A batch as it is read; `events` null where they are only stepped over. */
interface BatchDraft {
  timestampSeconds: number;
  rank: number | null;
  readonly events: KvEvent[] | null;
  readonly draft: EventDraft;
  skippedEvents: number;
  skippedFields: number;
}

const createBatchDraft = (events: KvEvent[] | null): BatchDraft => ({
  timestampSeconds: 0,
  rank: null,
  events,
  draft: new EventDraft(),
  skippedEvents: 0,
  skippedFields: 0,
});

/** Creates the adapter of an engine family from its dialect. */
export const createAdapter = (dialect: Dialect): EngineAdapter => {
  const readEvent = createEventReader(dialect);

  const readEvents = (reader: MsgpackReader, into: BatchDraft): void => {
    const count = reader.readArrayLength();
    if (into.events === null) {
      for (let i = 0; i < count; i += 1) reader.skip();
      return;
    }
    for (let i = 0; i < count; i += 1) {
      const event = readEvent(reader, into.draft);
      if (event === null) into.skippedEvents += 1;
      else into.events.push(event);
      into.skippedFields += into.draft.skippedFields;
    }
  };

  const readBatch = (payload: Uint8Array, into: BatchDraft): void => {
    if (payload.length > dialect.maxPayloadBytes) throw malformed('the payload is larger than allowed');
    const reader = new MsgpackReader(payload);
    if (reader.peekKind() === 'map') readMapBatch(reader, into);
    else readArrayBatch(reader, into);
    if (!reader.isAtEnd) throw malformed('bytes follow the batch');
  };

  const readArrayBatch = (reader: MsgpackReader, into: BatchDraft): void => {
    const length = reader.readArrayLength();
    if (length < 2) throw malformed('a batch has a timestamp and events');
    into.timestampSeconds = reader.readNumber();
    readEvents(reader, into);
    if (length > 2 && !reader.takeNil()) into.rank = reader.readInteger();
    for (let i = 3; i < length; i += 1) {
      into.skippedFields += 1;
      reader.skip();
    }
  };

  const readMapBatch = (reader: MsgpackReader, into: BatchDraft): void => {
    const pairs = reader.readMapLength();
    let hasEvents = false;
    for (let pair = 0; pair < pairs; pair += 1) {
      const key = findWord(reader, batchKeys);
      if (key === 'ts') {
        into.timestampSeconds = reader.readNumber();
      } else if (key === 'events' && !hasEvents) {
        hasEvents = true;
        readEvents(reader, into);
      } else if (key === null || key === 'events') {
        into.skippedFields += 1;
        reader.skip();
      } else if (!reader.takeNil()) {
        into.rank = reader.readInteger();
      }
    }
    if (!hasEvents) throw malformed('a batch has a timestamp and events');
  };

  return {
    engine: dialect.engine,
    decode: (payload: Uint8Array): EventBatch => {
      const events: KvEvent[] = [];
      const batch = createBatchDraft(events);
      readBatch(payload, batch);
      const { timestampSeconds, rank, skippedEvents, skippedFields } = batch;
      return { timestampSeconds, rank, events, skippedEvents, skippedFields };
    },
    peek: (payload: Uint8Array): BatchHead => {
      const batch = createBatchDraft(null);
      readBatch(payload, batch);
      return { timestampSeconds: batch.timestampSeconds, rank: batch.rank };
    },
  };
};
