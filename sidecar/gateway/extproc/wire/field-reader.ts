import { SidecarError } from '../../../core/index.ts';

const malformed = (what: string): SidecarError => new SidecarError('invalid-argument', `not a valid message: ${what}`);

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

/**
 * Walks the fields of one protobuf message (protobuf.dev, "Encoding"), which may lie within another one's bytes. Call
 * `next`, look at `field`, then read the value or do nothing: a value that was not read is skipped. Throws
 * `invalid-argument` for bytes that are no message. Copies nothing: `bytes` gives views, `span` not even these.
 */
export class FieldReader {
  /** Number of the current field. */
  field = 0;
  /** Where the bytes last read by {@link span} lie. */
  spanStart = 0;
  spanEnd = 0;
  #wireType = 0;
  #position: number;
  #end: number;
  #isRead = true;
  readonly #message: Buffer;

  /** The message is `message[start, end)`. */
  constructor(message: Buffer, start = 0, end = message.length) {
    this.#message = message;
    this.#position = start;
    this.#end = end;
  }

  /** Goes on with another message in the same bytes. */
  enter(start: number, end: number): void {
    this.#position = start;
    this.#end = end;
    this.#isRead = true;
  }

  /** Moves to the next field; false at the message's end. */
  next(): boolean {
    if (!this.#isRead) this.#skip();
    if (this.#position >= this.#end) return false;
    const tag = this.#varint();
    this.field = tag >>> 3;
    this.#wireType = tag & 7;
    this.#isRead = false;
    if (this.field === 0) throw malformed('field 0');
    return true;
  }

  /** Value of a number, truth or enumeration; of longer ones the low 32 bits. */
  varint(): number {
    this.#expect(varintType);
    return this.#varint();
  }

  /** Reads a string, bytes or a nested message: sets where its bytes lie. */
  span(): void {
    this.#expect(bytesType);
    const length = this.#varint();
    const end = this.#position + length;
    if (end > this.#end) throw malformed('a field reaches beyond the end');
    this.spanStart = this.#position;
    this.spanEnd = end;
    this.#position = end;
  }

  /** Value of a string, bytes or a nested message. */
  bytes(): Buffer {
    this.span();
    return this.#message.subarray(this.spanStart, this.spanEnd);
  }

  /** Value of a string. */
  text(): string {
    this.span();
    return this.#message.toString('utf8', this.spanStart, this.spanEnd);
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType || this.#isRead) throw malformed('a field of another type');
    this.#isRead = true;
  }

  #skip(): void {
    this.#isRead = true;
    const valueBytes = this.#bytesToSkip();
    this.#position += valueBytes;
    if (this.#position > this.#end) throw malformed('a field reaches beyond the end');
  }

  /** Bytes of the current value after what says how long it is. */
  #bytesToSkip(): number {
    switch (this.#wireType) {
      case varintType:
        this.#varint();
        return 0;
      case fixed64Type:
        return 8;
      case fixed32Type:
        return 4;
      case bytesType:
        return this.#varint();
      default:
        throw malformed('an unknown wire type');
    }
  }

  #varint(): number {
    const message = this.#message;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#end) throw malformed('it ends within a number');
      const byte = message[this.#position] ?? 0;
      this.#position += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed('a number of more than ten bytes');
  }
}
