import { SidecarError } from '../../../core/index.ts';

const malformed = (what: string): SidecarError => new SidecarError('invalid-argument', `not a valid message: ${what}`);

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

/**
 * Walks the fields of one protobuf message (protobuf.dev, "Encoding"). Call `next`, look at `field`, then read the value
 * or do nothing: a value that was not read is skipped. Throws `invalid-argument` for bytes that are no message. Copies
 * nothing: `bytes` gives views.
 */
export class FieldReader {
  /** Number of the current field. */
  field = 0;
  #wireType = 0;
  #position = 0;
  #isRead = true;
  readonly #message: Buffer;

  constructor(message: Buffer) {
    this.#message = message;
  }

  /** Moves to the next field; false at the message's end. */
  next(): boolean {
    if (!this.#isRead) this.#skip();
    if (this.#position >= this.#message.length) return false;
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

  /** Value of a string, bytes or a nested message. */
  bytes(): Buffer {
    this.#expect(bytesType);
    const length = this.#varint();
    const end = this.#position + length;
    if (end > this.#message.length) throw malformed('a field reaches beyond the end');
    const value = this.#message.subarray(this.#position, end);
    this.#position = end;
    return value;
  }

  /** Value of a string. */
  text(): string {
    return this.bytes().toString('utf8');
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType || this.#isRead) throw malformed('a field of another type');
    this.#isRead = true;
  }

  #skip(): void {
    this.#isRead = true;
    const valueBytes = this.#bytesToSkip();
    this.#position += valueBytes;
    if (this.#position > this.#message.length) throw malformed('a field reaches beyond the end');
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
      const byte = message[this.#position];
      if (byte === undefined) throw malformed('it ends within a number');
      this.#position += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed('a number of more than ten bytes');
  }
}
