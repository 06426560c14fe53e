import type { JsonObject, JsonValue } from '../api/json-value.ts';
import type { ChatMessage } from '../api/prompt-source.ts';
import { HASH_WORDS } from './body-scanner.ts';

/** Bytes that a message's objects take besides its text. */
const MESSAGE_OVERHEAD_BYTES = 900;
/** Bytes of a record's objects. */
const RECORD_OVERHEAD_BYTES = 1000;
/** Bytes of a chunk's hash here and of its entry in the table. */
const CHUNK_OVERHEAD_BYTES = 80;

/** An API whose conversations are remembered: its requests bring the whole past as a list under `messages`. */
export interface TurnApi {
  readonly api: 'chat' | 'messages';
  /**
   * What the template sees of one entry of the list; null where that is nothing, where the engine refuses it, or where it
   * changes what the template sees of anything else.
   */
  readMessage(entry: JsonValue): readonly ChatMessage[] | null;
  /** The values within an entry of which {@link readMessage} takes nothing over, whatever strings they hold. */
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
  /** Whether it has parts whose tokens only the model's processor knows. */
  readonly hasMedia: boolean;
  /** The message as templates of one content format see it, once one asked. */
  shown: { readonly format: 'string' | 'openai'; readonly value: JsonObject } | null;
}

/** A message as it is remembered. */
export const remembered = (message: ChatMessage): RememberedMessage => ({
  message,
  hasMedia: message.content.some(({ kind }) => kind === 'media'),
  shown: null,
});

/** One entry of a remembered list of messages: where it stood, counted from the list's bracket, and what was read there. */
export interface KnownEntry {
  readonly start: number;
  readonly end: number;
  readonly hash: MessageHash;
  /** What the template sees of it, at least one. */
  readonly messages: readonly RememberedMessage[];
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
    for (const message of entry.messages) this.messages.push(message);
    this.#entryBytes += bytesOf(entry);
  }

  /** Forgets entries from number `count` on. */
  truncate(count: number): void {
    for (const entry of this.entries.slice(count)) {
      this.#entryBytes -= bytesOf(entry);
      this.messages.length -= entry.messages.length;
    }
    this.entries.length = count;
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
