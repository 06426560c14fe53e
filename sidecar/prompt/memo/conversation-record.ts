import type { JsonObject, JsonValue } from '../api/json-value.ts';
import { type ChatMessage, hasMediaPart } from '../api/prompt-source.ts';
import { HASH_WORDS } from './body-scanner.ts';

/** Bytes that a message's objects take besides its text. */
const MESSAGE_OVERHEAD_BYTES = 900;
/** Bytes of a record's objects. */
const RECORD_OVERHEAD_BYTES = 1000;
/** Bytes of a chunk's hash here and of its entry in the table. */
const CHUNK_OVERHEAD_BYTES = 80;

/** What the template sees of one entry of a list. */
export interface ReadEntry {
  /** At least one message. */
  readonly messages: readonly ChatMessage[];
  /** Whether the first of them stands for the last message of the entries before, to which this one adds something. */
  readonly replacesLast: boolean;
  /** The last message in the form in which the next entry may add something to it; null where none does. */
  readonly open: JsonObject | null;
}

/** An API whose conversations are remembered: its requests bring the whole past as a list. */
export interface TurnApi {
  readonly api: 'chat' | 'messages' | 'responses';
  /** The root member that holds the list. */
  readonly listKey: 'messages' | 'input';
  /**
   * Reads an entry of the list, `open` being what the one before left open. Null where the template sees nothing of it, where
   * the engine refuses it, or where it changes what the template sees of anything else.
   */
  readEntry(entry: JsonValue, open: JsonObject | null): ReadEntry | null;
  /** The values within an entry of which {@link readEntry} takes nothing over, whatever strings they hold. */
  unreadValues(entry: JsonValue): readonly JsonValue[];
}

/** 128 bits in 32-bit words; as plain fields, which take a fraction of an array's memory. */
export interface MessageHash {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** A message that is remembered, as read. */
export interface RememberedMessage {
  readonly message: ChatMessage;
  /** See {@link hasMediaPart}. */
  readonly hasMedia: boolean;
  /** The message as templates of one content format see it, once one asked. */
  shown: { readonly format: 'string' | 'openai'; readonly value: JsonObject } | null;
}

/** A message as it is remembered. */
export const remembered = (message: ChatMessage): RememberedMessage => ({
  message,
  hasMedia: hasMediaPart(message),
  shown: null,
});

/** One entry of a remembered list of messages: where it stood, counted from the list's bracket, and what was read there. */
export interface KnownEntry {
  readonly start: number;
  readonly end: number;
  readonly hash: MessageHash;
  /** See {@link ReadEntry}. */
  readonly messages: readonly RememberedMessage[];
  readonly replacesLast: boolean;
  readonly open: JsonObject | null;
  /** Estimate of the memory its text takes. */
  readonly textBytes: number;
}

/** What an encoder keeps of the last turn; of its own kind for each. */
export interface RememberedTurn {
  /** Estimate of the memory it takes. */
  readonly bytes: number;
  /** The same for a conversation that goes another way from here. */
  branch(): RememberedTurn;
}

const bytesOf = ({ textBytes, messages }: KnownEntry): number => textBytes + MESSAGE_OVERHEAD_BYTES * messages.length;

/** A conversation as last seen. Changed in place as it grows; a conversation that forks gets a record of its own. */
export class ConversationRecord {
  /** Chain hashes of its body's chunks. */
  chain: Int32Array = new Int32Array(0);
  readonly api: TurnApi;
  readonly entries: KnownEntry[] = [];
  /** What the template sees of all entries. */
  readonly messages: RememberedMessage[] = [];
  turn: RememberedTurn | null;
  #entryBytes = 0;

  constructor(api: TurnApi, entries: readonly KnownEntry[] = [], turn: RememberedTurn | null = null) {
    this.api = api;
    this.turn = turn;
    for (const entry of entries) this.append(entry);
  }

  get chunks(): number {
    return this.chain.length / HASH_WORDS;
  }

  /** Estimate of the memory it takes. */
  get bytes(): number {
    return RECORD_OVERHEAD_BYTES + this.#entryBytes + this.chunks * CHUNK_OVERHEAD_BYTES + (this.turn?.bytes ?? 0);
  }

  append(entry: KnownEntry): void {
    this.entries.push(entry);
    this.#show(entry);
    this.#entryBytes += bytesOf(entry);
  }

  /** Forgets entries from number `count` on. */
  truncate(count: number): void {
    if (count >= this.entries.length) return;
    for (const entry of this.entries.splice(count)) this.#entryBytes -= bytesOf(entry);
    this.messages.length = 0;
    for (const entry of this.entries) this.#show(entry);
  }

  #show({ messages, replacesLast }: KnownEntry): void {
    if (replacesLast) this.messages.pop();
    for (const message of messages) this.messages.push(message);
  }

  /** Whether this is the chain's hash number `chunk` here. */
  holds(chunk: number, words: Int32Array): boolean {
    const at = chunk * HASH_WORDS;
    if (at >= this.chain.length) return false;
    for (let word = at; word < at + HASH_WORDS; word += 1) if (this.chain[word] !== words[word]) return false;
    return true;
  }
}

/** The conversation that a request goes on with, as the encoder sees it. */
export interface ChatTurn {
  readonly record: Pick<ConversationRecord, 'turn'>;
  /** What the template sees of the request, in order. */
  readonly messages: readonly RememberedMessage[];
  /** To be called when what an encoder keeps in the record has changed. */
  changed(): void;
  /** To be called when a prompt was made again from scratch; where it came out otherwise, nothing is remembered from then on. */
  checked(outcome: { readonly isSame: boolean }): void;
}
