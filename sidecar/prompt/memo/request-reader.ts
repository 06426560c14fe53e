import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseRequest } from '../api/parse-request.ts';
import type { TemplateHabits } from '../api/prompt-source.ts';
import type { ParsedRequest, PromptRequest } from '../types.ts';
import { findList } from './body-members.ts';
import { BodyScanner, HASH_WORDS } from './body-scanner.ts';
import { type ChatTurn, ConversationRecord, type KnownEntry, type TurnApi } from './conversation-record.ts';
import { type Frame, FrameReader } from './frame-reader.ts';
import { TOO_LONG_TEXT } from './message-json.ts';
import { MessageWalk } from './message-walk.ts';
import { type Known, RecordStore } from './record-store.ts';
import { canScan } from './scan-instance.ts';
import { turnApiOf } from './turn-apis.ts';

/** What a reader did so far. */
export interface ReaderFigures {
  /** Requests whose messages were looked up, and those of them that were found in part. */
  readonly turns: number;
  readonly knownTurns: number;
  /** Bytes of all these bodies, and those of them that were not read again. */
  readonly bytes: number;
  readonly knownBytes: number;
  /** Prompts that were made again from scratch, and those of them that came out otherwise; one turns the memory off. */
  readonly checkedTurns: number;
  readonly differingTurns: number;
  /** Conversations remembered, and an estimate of their memory. */
  readonly conversations: number;
  readonly memoryBytes: number;
}

/** Reads requests, remembering conversations. */
export interface RequestReader {
  /** What `parseRequest` gives, at the cost of what is new in a conversation. */
  read(request: PromptRequest): ParsedRequest;
  /**
   * The same. A promise where a conversation brings so much that is new that others shall have their turn meanwhile; the
   * body is then looked at until it is settled.
   */
  readInSlices(request: PromptRequest): ParsedRequest | Promise<ParsedRequest>;
  readonly figures: ReaderFigures;
}

const DEFAULT_MEMORY_BYTES = 256 * 2 ** 20;
/** Longer bodies are read whole. */
const MAX_BODY_BYTES = 32 * 2 ** 20;
/** Text of new messages that is read in one go; about a millisecond, with what each slice costs besides. */
const SLICE_BYTES = 2 ** 18;

/** The list of messages of one body, and what is known of it. */
interface Place {
  readonly api: TurnApi;
  readonly listStart: number;
  /** Length of the body. */
  readonly end: number;
  /** Hashes of its chunks. */
  readonly chain: Int32Array;
  readonly known: Known | null;
  readonly walk: MessageWalk;
}

/** How much of a body is read in one go. */
interface Slice {
  /** Memory that new text takes. */
  readonly mostBytes: number;
  /** Bytes that were known before the first slice; null in that. */
  readonly knownBytes: number | null;
}

/** Text in two bytes a character takes twice its bytes. */
const wholeAtOnce: Slice = { mostBytes: 2 * TOO_LONG_TEXT, knownBytes: null };

/** A body of which not all was read. */
class Begun {
  readonly knownBytes: number;
  readonly readBytes: number;

  /** Bytes of its list of messages: known before any slice, and known now. */
  constructor(knownBytes: number, readBytes: number) {
    this.knownBytes = knownBytes;
    this.readBytes = readBytes;
  }
}

class MemoReader implements RequestReader {
  readonly #scanner = new BodyScanner();
  readonly #frames = new Map<TurnApi, FrameReader>();
  readonly #store: RecordStore;
  #isTrusted = true;
  #lastPath: string | null = null;
  #lastApi: TurnApi | null = null;
  #turns = 0;
  #knownTurns = 0;
  #bytes = 0;
  #knownBytes = 0;
  #checkedTurns = 0;
  #differingTurns = 0;

  constructor(options: { readonly maxMemoryBytes: number }) {
    this.#store = new RecordStore({ maxBytes: options.maxMemoryBytes });
  }

  get figures(): ReaderFigures {
    return {
      turns: this.#turns,
      knownTurns: this.#knownTurns,
      bytes: this.#bytes,
      knownBytes: this.#knownBytes,
      checkedTurns: this.#checkedTurns,
      differingTurns: this.#differingTurns,
      conversations: this.#store.size,
      memoryBytes: this.#store.bytes,
    };
  }

  read(request: PromptRequest): ParsedRequest {
    return this.#settled(request, this.#read(request, wholeAtOnce));
  }

  readInSlices(request: PromptRequest): ParsedRequest | Promise<ParsedRequest> {
    const reading = this.#read(request, { mostBytes: SLICE_BYTES, knownBytes: null });
    return reading instanceof Begun ? this.#readOn(request, reading) : this.#settled(request, reading);
  }

  /** Reads slice by slice what was begun: each finds in the memory what those before it have read. */
  async #readOn(request: PromptRequest, { knownBytes, readBytes }: Begun): Promise<ParsedRequest> {
    for (let before = readBytes; ; ) {
      await nextTurn();
      const reading = this.#read(request, { mostBytes: SLICE_BYTES, knownBytes });
      if (!(reading instanceof Begun)) return this.#settled(request, reading);
      // Where what was read is forgotten again, the rest is read in one go.
      if (reading.readBytes <= before) return this.read(request);
      before = reading.readBytes;
    }
  }

  #settled(request: PromptRequest, reading: ParsedRequest | Begun | null): ParsedRequest {
    return reading === null || reading instanceof Begun ? parseRequest(request) : reading;
  }

  #read(request: PromptRequest, slice: Slice): ParsedRequest | Begun | null {
    const api = this.#apiOf(request);
    return api === null ? null : this.#readTurn(request, api, slice);
  }

  /** Null where the request is not one to be remembered. */
  #apiOf({ path, body, isComplete }: PromptRequest): TurnApi | null {
    if (!this.#isTrusted || !isComplete || body.length < this.#scanner.chunkBytes || body.length > MAX_BODY_BYTES)
      return null;
    if (path !== this.#lastPath) {
      this.#lastPath = path;
      this.#lastApi = turnApiOf(path);
    }
    return this.#lastApi;
  }

  /** Null where anything is unusual. */
  #readTurn(request: PromptRequest, api: TurnApi, slice: Slice): ParsedRequest | Begun | null {
    const place = this.#placeOf(request.body, api);
    if (place === null) return null;
    const { listStart, walk, known } = place;
    const kept = known === null ? 0 : this.#keptEntries(known, walk);
    const knownBytes = slice.knownBytes ?? (kept === 0 ? 0 : walk.at - listStart);
    const fresh = walk.readOn(api, { before: known?.record.entries[kept - 1], mostBytes: slice.mostBytes });
    if (fresh === null) return null;
    if (hasTooMuchText(place, kept, fresh)) {
      if (known !== null) this.#store.drop(known.record);
      return null;
    }
    if (!walk.isAtEnd) {
      this.#remember(place, { kept, fresh, end: walk.at });
      return new Begun(knownBytes, walk.at - listStart);
    }
    const frame = this.#framesOf(api).read({ start: listStart, end: walk.at }, place.end);
    if (frame === null || kept + fresh.length === 0) return null;
    const record = this.#remember(place, { kept, fresh, end: place.end });
    this.#turns += 1;
    this.#bytes += place.end;
    if (knownBytes > 0) {
      this.#knownTurns += 1;
      this.#knownBytes += knownBytes;
    }
    return this.#parsed(request, frame, record);
  }

  #placeOf(body: Uint8Array, api: TurnApi): Place | null {
    const end = body.length;
    this.#scanner.load(body);
    const listStart = findList(this.#scanner, api.listKey, end);
    const chainEnd = Math.min(end, listStart + this.#scanner.maxChainBytes);
    const chunks = listStart < 0 ? 0 : this.#scanner.chain(listStart, chainEnd);
    if (chunks === 0) return null;
    const known = this.#store.find(this.#scanner.chainWords, chunks, api);
    const chain = this.#scanner.chainWords.slice(0, chunks * HASH_WORDS);
    return { api, listStart, end, chain, known, walk: new MessageWalk(this.#scanner, listStart, end) };
  }

  /** Remembers what is known of a body up to `end`: the first `kept` entries of its record, and those just read. */
  #remember(
    { api, listStart, chain, known }: Place,
    { kept, fresh, end }: { readonly kept: number; readonly fresh: readonly KnownEntry[]; readonly end: number },
  ): ConversationRecord {
    const record = known === null || kept === 0 ? new ConversationRecord(api) : goOn(known.record, kept);
    for (const entry of fresh) record.append(entry);
    const chunks = Math.floor((end - listStart) / this.#scanner.chunkBytes);
    const knownChunks = record === known?.record ? Math.min(known.chunks, chunks) : 0;
    const words = chunks * HASH_WORDS;
    this.#store.put(record, words < chain.length ? chain.slice(0, words) : chain, knownChunks);
    return record;
  }

  /** How many of a record's entries stand in this body too; the walk stands behind them. */
  #keptEntries({ record, chunks }: Known, walk: MessageWalk): number {
    const knownBytes = chunks * this.#scanner.chunkBytes;
    const { entries } = record;
    let kept = 0;
    let beyond = entries.length;
    while (kept < beyond) {
      const middle = (kept + beyond) >>> 1;
      if ((entries[middle]?.end ?? 0) <= knownBytes) kept = middle + 1;
      else beyond = middle;
    }
    const last = entries[kept - 1];
    if (last !== undefined) walk.jump(last);
    for (;;) {
      const next = entries[kept];
      const behind = walk.at;
      if (next === undefined) return kept;
      if (walk.step() === 'message' && walk.passKnown(next)) {
        kept += 1;
        continue;
      }
      walk.at = behind;
      return kept;
    }
  }

  #framesOf(api: TurnApi): FrameReader {
    let frames = this.#frames.get(api);
    if (frames === undefined) {
      frames = new FrameReader(this.#scanner, api);
      this.#frames.set(api, frames);
    }
    return frames;
  }

  #parsed(request: PromptRequest, frame: Frame, record: ConversationRecord): ParsedRequest {
    const seen = frame.head.concat(record.messages);
    const messages = seen.map(({ message }) => message);
    const conversationFor = (habits: TemplateHabits) => ({ ...frame.conversationFor(habits), messages });
    const turn: ChatTurn = {
      record,
      messages: seen,
      changed: () => this.#store.touch(record),
      checked: ({ isSame }) => this.#noteCheck(isSame),
    };
    return {
      api: record.api.api,
      ...frame.traits,
      unreadable: null,
      bodyBytes: request.body.byteLength,
      prompt: {
        source: { ...frame.source, content: { kind: 'conversation', conversationFor } },
        path: request.path,
        body: request.body,
        isBodyWhole: true,
        turn,
      },
    };
  }

  #noteCheck(isSame: boolean): void {
    this.#checkedTurns += 1;
    if (isSame) return;
    this.#differingTurns += 1;
    this.#isTrusted = false;
    this.#store.clear();
  }
}

const hasTooMuchText = ({ end, known }: Place, kept: number, fresh: readonly KnownEntry[]): boolean => {
  if (end < TOO_LONG_TEXT) return false;
  const entries = [...(known?.record.entries.slice(0, kept) ?? []), ...fresh];
  return entries.reduce((sum, { textBytes }) => sum + textBytes, 0) >= TOO_LONG_TEXT;
};

/** The record itself where the conversation goes on or its last message is another, else a new one from where they part. */
const goOn = (record: ConversationRecord, kept: number): ConversationRecord => {
  if (kept < record.entries.length - 1) {
    return new ConversationRecord(record.api, record.entries.slice(0, kept), record.turn?.branch() ?? null);
  }
  record.truncate(kept);
  return record;
};

const plainReader: RequestReader = {
  read: parseRequest,
  readInSlices: parseRequest,
  figures: {
    turns: 0,
    knownTurns: 0,
    bytes: 0,
    knownBytes: 0,
    checkedTurns: 0,
    differingTurns: 0,
    conversations: 0,
    memoryBytes: 0,
  },
};

/**
 * Creates a reader of requests that remembers conversations (`/v1/chat/completions`, `/v1/messages` and `/v1/responses`,
 * whole bodies from 2 KB to 32 MB with less than 4 MB of text): of one that goes on it reads the new messages only, and what
 * stands around them where that changed; of new messages not what is only there for the model's processor, such as images.
 * Anything unusual is read as `parseRequest` does. Keeps what was read, never a body; at most `maxMemoryBytes` of it
 * (default 256 MiB, an estimate), what was not used for longest goes first. Remembers nothing for 0, and where WebAssembly
 * lacks SIMD.
 */
export const createRequestReader = ({
  maxMemoryBytes = DEFAULT_MEMORY_BYTES,
}: {
  readonly maxMemoryBytes?: number;
} = {}): RequestReader => (maxMemoryBytes > 0 && canScan() ? new MemoReader({ maxMemoryBytes }) : plainReader);
