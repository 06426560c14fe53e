/**
 * Writes MessagePack (github.com/msgpack/msgpack/blob/master/spec.md) in the forms that msgspec chooses: every integer
 * in its shortest form, 64-bit hashes included. Grows as needed; values must be finished before {@link take}.
 */
export class MsgpackWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(initialBytes = 1024) {
    this.#bytes = Buffer.allocUnsafe(initialBytes);
  }

  nil(): void {
    this.#byte(0xc0);
  }

  /** A float in 8 bytes, whole or not. */
  float(value: number): void {
    this.#byte(0xcb);
    this.#length = this.#reserve(8).writeDoubleBE(value, this.#length);
  }

  /** An unsigned integer below 2^53. */
  uint(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) this.#sized(0xcc, 1, value);
    else if (value < 0x10000) this.#sized(0xcd, 2, value);
    else if (value < 0x100000000) this.#sized(0xce, 4, value);
    else this.#wide(BigInt(value));
  }

  /** An unsigned integer below 2^64. */
  uint64(value: bigint): void {
    if (value < 0x100000000n) this.uint(Number(value));
    else this.#wide(value);
  }

  string(value: string): void {
    const bytes = Buffer.byteLength(value);
    if (bytes < 32) this.#byte(0xa0 | bytes);
    else if (bytes < 0x100) this.#sized(0xd9, 1, bytes);
    else if (bytes < 0x10000) this.#sized(0xda, 2, bytes);
    else this.#sized(0xdb, 4, bytes);
    this.#length += this.#reserve(bytes).write(value, this.#length);
  }

  /** Head of an array; its items follow. */
  arrayHead(items: number): void {
    if (items < 16) this.#byte(0x90 | items);
    else if (items < 0x10000) this.#sized(0xdc, 2, items);
    else this.#sized(0xdd, 4, items);
  }

  /** Head of a map; key and value of each entry follow. */
  mapHead(entries: number): void {
    if (entries < 16) this.#byte(0x80 | entries);
    else this.#sized(0xde, 2, entries);
  }

  /** A copy of everything written since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #wide(value: bigint): void {
    this.#byte(0xcf);
    this.#length = this.#reserve(8).writeBigUInt64BE(value, this.#length);
  }

  #sized(head: number, bytes: 1 | 2 | 4, value: number): void {
    this.#byte(head);
    this.#length = this.#reserve(bytes).writeUIntBE(value, this.#length, bytes);
  }

  #byte(value: number): void {
    this.#length = this.#reserve(1).writeUInt8(value, this.#length);
  }

  #reserve(bytes: number): Buffer {
    if (this.#length + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}
