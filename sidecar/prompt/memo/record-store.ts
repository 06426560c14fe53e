import { HASH_WORDS } from './body-scanner.ts';
import type { ConversationRecord, TurnApi } from './conversation-record.ts';

/** A record and how many chunks of a body it knows. */
export interface Known {
  readonly record: ConversationRecord;
  readonly chunks: number;
}

/** 53 bits of a chain hash; the record that they lead to tells whether the others are the same. */
const keyOf = (words: Int32Array, chunk: number): number => {
  const at = chunk * HASH_WORDS;
  return ((words[at] ?? 0) >>> 0) * 2 ** 21 + ((words[at + 1] ?? 0) >>> 11);
};

/** Remembered conversations, found by the chain hashes of their chunks. Those not seen for longest go first. */
export class RecordStore {
  readonly #maxBytes: number;
  readonly #byHash = new Map<number, ConversationRecord>();
  /** In order of use, with the bytes last counted. */
  readonly #records = new Map<ConversationRecord, number>();
  #bytes = 0;

  constructor(options: { readonly maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** Estimate of the memory that all records take. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#records.size;
  }

  /**
   * The record of an API's requests that knows most of a body. Looked for from the end, where a growing conversation is found
   * at once.
   */
  find(words: Int32Array, chunks: number, api: TurnApi): Known | null {
    for (let chunk = chunks - 1; chunk >= 0; chunk -= 1) {
      const record = this.#byHash.get(keyOf(words, chunk));
      if (record?.api === api && record.holds(chunk, words)) return { record, chunks: chunk + 1 };
    }
    return null;
  }

  /** Makes a record known by its body's chain, of which it had the first `known` chunks before. */
  put(record: ConversationRecord, chain: Int32Array, known: number): void {
    for (let chunk = known; chunk < record.chunks; chunk += 1) this.#forgetHash(record, chunk);
    record.chain = chain;
    for (let chunk = known; chunk < record.chunks; chunk += 1) this.#byHash.set(keyOf(chain, chunk), record);
    this.touch(record);
  }

  /** Counts a record's memory again, makes it the most recent, and lets the oldest go where there are too many. */
  touch(record: ConversationRecord): void {
    if (record.chunks === 0) return;
    this.#bytes += record.bytes - (this.#records.get(record) ?? 0);
    this.#records.delete(record);
    this.#records.set(record, record.bytes);
    for (const oldest of this.#records.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === record) return;
      this.drop(oldest);
    }
  }

  /** Forgets a record. */
  drop(record: ConversationRecord): void {
    this.#bytes -= this.#records.get(record) ?? 0;
    this.#records.delete(record);
    for (let chunk = 0; chunk < record.chunks; chunk += 1) this.#forgetHash(record, chunk);
  }

  /** Forgets everything. */
  clear(): void {
    this.#byHash.clear();
    this.#records.clear();
    this.#bytes = 0;
  }

  #forgetHash(record: ConversationRecord, chunk: number): void {
    const key = keyOf(record.chain, chunk);
    if (this.#byHash.get(key) === record) this.#byHash.delete(key);
  }
}
