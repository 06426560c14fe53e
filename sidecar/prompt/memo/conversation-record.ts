import type { JsonObject } from '../api/json-value.ts';
import type { ChatMessage } from '../api/prompt-source.ts';
import { HASH_WORDS } from './body-scanner.ts';

/** Bytes that a message's objects take besides its text. */
const MESSAGE_OVERHEAD_BYTES = 900;
/** Bytes of a record's objects. */
const RECORD_OVERHEAD_BYTES = 1000;
/** Bytes of a chunk's hash here and of its entry in the table. */
const CHUNK_OVERHEAD_BYTES = 80;

/** 128 bits in 32-bit words; as plain fields, which take a fraction of an array's memory. */
export interface MessageHash {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** One message of a remembered conversation: where it stood, counted from the list's bracket, and what was read there. */
export interface KnownMessage {
  readonly start: number;
  readonly end: number;
  readonly hash: MessageHash;
  readonly message: ChatMessage;
  /** Estimate of the memory its text takes. */
  readonly textBytes: number;
  /** Whether it has parts whose tokens only the model's processor knows. */
  readonly hasMedia: boolean;
  /** The message as templates of one content format see it, once one asked. */
  shown: { readonly format: 'string' | 'openai'; readonly value: JsonObject } | null;
}

/** What an encoder keeps of the last turn; of its own kind for each. */
export interface RememberedTurn {
  /** Estimate of the memory it takes. */
  readonly bytes: number;
  /** The same for a conversation that goes another way from here. */
  branch(): RememberedTurn;
}

/** A conversation as last seen. Changed in place as it grows; a conversation that forks gets a record of its own. */
export class ConversationRecord {
  /** Chain hashes of its body's chunks. */
  chain: Int32Array = new Int32Array(0);
  readonly messages: KnownMessage[];
  turn: RememberedTurn | null;
  #messageBytes = 0;

  constructor(messages: readonly KnownMessage[] = [], turn: RememberedTurn | null = null) {
    this.messages = [];
    this.turn = turn;
    for (const message of messages) this.append(message);
  }

  get chunks(): number {
    return this.chain.length / HASH_WORDS;
  }

  /** Estimate of the memory it takes. */
  get bytes(): number {
    return RECORD_OVERHEAD_BYTES + this.#messageBytes + this.chunks * CHUNK_OVERHEAD_BYTES + (this.turn?.bytes ?? 0);
  }

  append(message: KnownMessage): void {
    this.messages.push(message);
    this.#messageBytes += message.textBytes + MESSAGE_OVERHEAD_BYTES;
  }

  /** Forgets messages from number `count` on. */
  truncate(count: number): void {
    for (const { textBytes } of this.messages.slice(count)) this.#messageBytes -= textBytes + MESSAGE_OVERHEAD_BYTES;
    this.messages.length = count;
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
  readonly record: ConversationRecord;
  /** The request's messages, in order. */
  readonly messages: readonly KnownMessage[];
  /** To be called when what an encoder keeps in the record has changed. */
  changed(): void;
  /** To be called when a prompt was made again from scratch; where it came out otherwise, nothing is remembered from then on. */
  checked(outcome: { readonly isSame: boolean }): void;
}
