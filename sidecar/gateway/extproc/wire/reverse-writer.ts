const shortLength = 64;

const isShortAscii = (value: string): boolean => {
  if (value.length > shortLength) return false;
  for (let at = 0; at < value.length; at += 1) if (value.charCodeAt(at) > 0x7f) return false;
  return true;
};

/**
 * Writes one protobuf message from its end to its beginning, so that each length is known when it is written: nested
 * messages need no second pass and no copy. Fields are written last to first.
 */
export class ReverseWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #start = 1024;

  /** Bytes written so far; a mark for {@link nest}. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** Writes a number, truth or enumeration. */
  varint(field: number, value: number): void {
    this.#writeVarint(value);
    this.#writeVarint((field << 3) | 0);
  }

  /** Writes bytes or a nested message that is already encoded. */
  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#start -= value.length;
    this.#buffer.set(value, this.#start);
    this.nest(field, this.length - value.length);
  }

  /** Writes a string as UTF-8. */
  text(field: number, value: string): void {
    const isPlain = isShortAscii(value);
    const bytes = isPlain ? value.length : Buffer.byteLength(value);
    this.#reserve(bytes);
    this.#start -= bytes;
    // Cheaper than a call out of JavaScript.
    if (isPlain) for (let at = 0; at < bytes; at += 1) this.#buffer[this.#start + at] = value.charCodeAt(at);
    else this.#buffer.write(value, this.#start, bytes, 'utf8');
    this.nest(field, this.length - bytes);
  }

  /**
   * Makes everything written since `mark` (a `length` read before) one nested message of `field`, which `tailBytes` more
   * bytes will follow that are not written here.
   */
  nest(field: number, mark: number, tailBytes = 0): void {
    this.#writeVarint(this.length - mark + tailBytes);
    this.#writeVarint((field << 3) | 2);
  }

  /** The message, a view that is valid until the next write; the writer is empty again. */
  take(): Buffer {
    const message = this.#buffer.subarray(this.#start);
    this.#start = this.#buffer.length;
    return message;
  }

  #writeVarint(value: number): void {
    this.#reserve(5);
    const bytes = value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
    this.#start -= bytes;
    let rest = value;
    for (let offset = 0; offset < bytes - 1; offset += 1) {
      this.#buffer[this.#start + offset] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#start + bytes - 1] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#start >= bytes) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + bytes));
    const start = grown.length - this.length;
    this.#buffer.copy(grown, start, this.#start);
    this.#buffer = grown;
    this.#start = start;
  }
}
