import { writeEntryBytes } from './byte-alphabet.ts';
import { ByteKeyTable } from './byte-key-table.ts';

/** Share of a {@link ByteKeyTable} that it fills. */
const FILL = 0.7;

/**
 * Tokens and their ids, in the order of the file; tokens in UTF-8, spelled as in the file (byte-level vocabularies: in the
 * byte alphabet). Typed arrays alone: 40 bytes an entry and its text.
 */
export class Vocabulary {
  /** Tokens → positions. */
  readonly #positions: ByteKeyTable;
  readonly #ids: Int32Array;
  /** Where each token ends among the keys of the table, which keep the order. */
  readonly #ends: Int32Array;

  /** @param entries Entries at most. @param textBytes Bytes of all tokens at most. */
  constructor(entries: number, textBytes: number) {
    this.#positions = new ByteKeyTable(Math.max(1, Math.ceil(Math.log2((entries + 1) / FILL))), textBytes);
    this.#ids = new Int32Array(entries);
    this.#ends = new Int32Array(entries);
  }

  /** Number of entries. */
  get size(): number {
    return this.#positions.size;
  }

  /** One more than the highest id, 0 where there are no entries. */
  get idLimit(): number {
    let limit = 0;
    for (let position = 0; position < this.size; position += 1) limit = Math.max(limit, this.idAt(position) + 1);
    return limit;
  }

  /** Sets the id of the token `text[start, end)`; one set before gets the new id. */
  set(text: Uint8Array, start: number, end: number, id: number): void {
    const known = this.#positions.find(text, start, end);
    const position = known < 0 ? this.size : known;
    this.#ids[position] = id;
    if (known >= 0) return;
    this.#positions.insert(text, start, end, position);
    this.#ends[position] = this.#positions.keys.length;
  }

  /** Id of the token `text[start, end)`, -1 where there is none. */
  find(text: Uint8Array, start: number, end: number): number {
    const position = this.#positions.find(text, start, end);
    return position < 0 ? -1 : this.idAt(position);
  }

  /** Id of a token, undefined where there is none. */
  idOf(token: string): number | undefined {
    const text = Buffer.from(token);
    const id = this.find(text, 0, text.length);
    return id < 0 ? undefined : id;
  }

  /** Id of the entry at a position. */
  idAt(position: number): number {
    return this.#ids[position] ?? -1;
  }

  /**
   * Writes the bytes that the entry at a position stands for in the byte alphabet to `into` and returns their number; -1
   * where one of its characters stands for no byte or they do not fit.
   */
  writeBytesAt(position: number, into: Uint8Array): number {
    const start = position === 0 ? 0 : (this.#ends[position - 1] ?? 0);
    return writeEntryBytes(this.#positions.keys, start, this.#ends[position] ?? start, into);
  }
}
