import { SidecarError } from '../../core/index.ts';
import type { EngineKey } from '../../kvindex/index.ts';
import { fixedBytes, kindOfHead, type MsgpackKind } from './msgpack-heads.ts';

const scratch = new Int32Array(2);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The only failure of this room's decoders. */
export const malformed = (what: string): SidecarError => new SidecarError('malformed-frame', what);

/**
 * Reads one msgpack document front to back without building a tree. Written by hand, with no schema, because event batches
 * are the hot path: a general decoder makes an array, boxed 64-bit integers and strings a block, which costs three to six
 * times the time of writing hashes and tokens straight into typed arrays.
 *
 * Every claim of a length is held against the bytes that are left before anything is allocated, and nothing recurses, so
 * that time and memory stay linear in the payload. Failures are `malformed-frame`. Format: msgpack.org, spec.md.
 */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes being read. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Offset of the next value; may be set back to one seen before. */
  get offset(): number {
    return this.#at;
  }

  set offset(offset: number) {
    this.#at = offset;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peekKind(): MsgpackKind {
    return kindOfHead(this.#head());
  }

  /** Steps over a nil and says so; leaves anything else. */
  takeNil(): boolean {
    if (this.#head() !== 0xc0) return false;
    this.#at += 1;
    return true;
  }

  /** Reads an array's head; returns its length, which its bytes can hold. */
  readArrayLength(): number {
    const head = this.#head();
    if (head >= 0x90 && head < 0xa0) return this.#claim(1, head & 15, 1);
    if (head === 0xdc) return this.#claim(3, this.#unsigned(1, 2), 1);
    if (head === 0xdd) return this.#claim(5, this.#unsigned(1, 4), 1);
    throw malformed('an array was expected');
  }

  /** Reads a map's head; returns its number of pairs, which its bytes can hold. */
  readMapLength(): number {
    const head = this.#head();
    if (head >= 0x80 && head < 0x90) return this.#claim(1, head & 15, 2);
    if (head === 0xde) return this.#claim(3, this.#unsigned(1, 2), 2);
    if (head === 0xdf) return this.#claim(5, this.#unsigned(1, 4), 2);
    throw malformed('a map was expected');
  }

  /** Reads a text's head; returns its length in bytes and leaves `offset` at its first byte. */
  readTextLength(): number {
    const head = this.#head();
    if (head >= 0xa0 && head < 0xc0) return this.#claim(1, head & 31, 1);
    if (head === 0xd9) return this.#claim(2, this.#unsigned(1, 1), 1);
    if (head === 0xda) return this.#claim(3, this.#unsigned(1, 2), 1);
    if (head === 0xdb) return this.#claim(5, this.#unsigned(1, 4), 1);
    throw malformed('text was expected');
  }

  readText(): string {
    const length = this.readTextLength();
    const from = this.#at;
    this.#at += length;
    try {
      return utf8.decode(this.#bytes.subarray(from, this.#at));
    } catch {
      throw malformed('text is not UTF-8');
    }
  }

  /** Reads a byte string; the result is a copy. */
  readBytes(): Uint8Array {
    const length = this.#readBytesLength();
    const from = this.#at;
    this.#at += length;
    return Uint8Array.prototype.slice.call(this.#bytes, from, this.#at);
  }

  /** Reads an integer in (-2^53, 2^53). */
  readInteger(): number {
    const head = this.#head();
    if (head < 0x80) return this.#stepped(1, head);
    if (head >= 0xe0) return this.#stepped(1, head - 256);
    switch (head) {
      case 0xcc:
        return this.#stepped(2, this.#unsigned(1, 1));
      case 0xcd:
        return this.#stepped(3, this.#unsigned(1, 2));
      case 0xce:
        return this.#stepped(5, this.#unsigned(1, 4));
      case 0xcf:
        return this.#stepped(9, this.#safe(this.#unsigned(1, 4), this.#unsigned(5, 4)));
      case 0xd0:
        return this.#stepped(2, (this.#unsigned(1, 1) << 24) >> 24);
      case 0xd1:
        return this.#stepped(3, (this.#unsigned(1, 2) << 16) >> 16);
      case 0xd2:
        return this.#stepped(5, this.#unsigned(1, 4) | 0);
      case 0xd3:
        return this.#stepped(9, this.#safe(this.#unsigned(1, 4) | 0, this.#unsigned(5, 4)));
      default:
        throw malformed('an integer was expected');
    }
  }

  /** Reads a finite float or an integer. */
  readNumber(): number {
    const head = this.#head();
    if (head !== 0xca && head !== 0xcb) return this.readInteger();
    const width = head === 0xca ? 4 : 8;
    this.#need(1 + width);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at + 1, width);
    const value = width === 4 ? view.getFloat32(0) : view.getFloat64(0);
    if (!Number.isFinite(value)) throw malformed('a number is not finite');
    return this.#stepped(1 + width, value);
  }

  /**
   * Reads an engine's block hash into `into[at]` (low half) and `into[at + 1]` (high half): integers of any width in two's
   * complement, byte strings by their last 8 bytes.
   */
  readEngineKey(into: Int32Array, at: number): void {
    const head = this.#head();
    if (head === 0xcf || head === 0xd3) {
      this.#need(9);
      into[at + 1] = this.#word(1);
      into[at] = this.#word(5);
      this.#at += 9;
      return;
    }
    if (head === 0xc4 || head === 0xc5 || head === 0xc6) {
      const length = this.#readBytesLength();
      if (length === 0) throw malformed('a block hash has no bytes');
      this.#at += length;
      into[at] = this.#unsigned(-Math.min(4, length), Math.min(4, length));
      const above = Math.min(4, length - 4);
      into[at + 1] = above > 0 ? this.#unsigned(-4 - above, above) : 0;
      return;
    }
    const value = this.readInteger();
    into[at] = value;
    into[at + 1] = value < 0 ? -1 : 0;
  }

  /** Reads one engine key as a value. */
  readEngineKeyValue(): EngineKey {
    this.readEngineKey(scratch, 0);
    return { lo: scratch[0] ?? 0, hi: scratch[1] ?? 0 };
  }

  /**
   * Reads `into.length` token ids, integers in [0, 2^31). Returns how many were read before one that is something else,
   * with `offset` at that one; `into.length` when all are tokens.
   */
  readTokens(into: Int32Array): number {
    const bytes = this.#bytes;
    const end = bytes.length;
    let at = this.#at;
    let read = 0;
    for (; read < into.length && at < end; read += 1) {
      const head = bytes[at] ?? 0;
      if (head < 0x80) {
        into[read] = head;
        at += 1;
      } else if (head === 0xcd) {
        into[read] = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
        at += 3;
      } else if (head === 0xce && (bytes[at + 1] ?? 0) < 0x80) {
        into[read] =
          ((bytes[at + 1] ?? 0) << 24) |
          ((bytes[at + 2] ?? 0) << 16) |
          ((bytes[at + 3] ?? 0) << 8) |
          (bytes[at + 4] ?? 0);
        at += 5;
      } else if (head === 0xcc) {
        into[read] = bytes[at + 1] ?? 0;
        at += 2;
      } else {
        break;
      }
    }
    if (at > end || (at === end && read < into.length)) throw malformed('the payload ends within a value');
    this.#at = at;
    return read;
  }

  /** Steps over one value of any kind and depth. */
  skip(): void {
    const end = this.#bytes.length;
    for (let left = 1; left > 0; left -= 1) {
      if (this.#at >= end) throw malformed('the payload ends within a value');
      const head = this.#bytes[this.#at] ?? 0;
      const bytes = fixedBytes[head] ?? 0;
      if (bytes > 0) this.#at += bytes;
      else left += this.#skipHead(head);
    }
    if (this.#at > end) throw malformed('the payload ends within a value');
  }

  /** Steps over a value without fixed length, of an array or a map only the head; returns how many values it holds. */
  #skipHead(head: number): number {
    const kind = kindOfHead(head);
    if (kind === 'array') return this.readArrayLength();
    if (kind === 'map') return 2 * this.readMapLength();
    if (kind === 'text') this.#advance(this.readTextLength());
    else if (kind === 'bytes') this.#advance(this.#readBytesLength());
    else this.#skipExtension(head);
    return 0;
  }

  #skipExtension(head: number): void {
    if (head < 0xc7 || head > 0xc9) throw malformed('a head byte is not valid');
    const width = 1 << (head - 0xc7);
    this.#advance(this.#claim(1 + width, this.#unsigned(1, width) + 1, 1));
  }

  #readBytesLength(): number {
    const head = this.#head();
    if (head < 0xc4 || head > 0xc6) throw malformed('bytes were expected');
    const width = 1 << (head - 0xc4);
    return this.#claim(1 + width, this.#unsigned(1, width), 1);
  }

  #head(): number {
    const head = this.#bytes[this.#at];
    if (head === undefined) throw malformed('the payload ends within a value');
    return head;
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) throw malformed('the payload ends within a value');
  }

  /** Steps over a head of `headBytes` and gives `count` back once `count` x `unitBytes` are known to be there. */
  #claim(headBytes: number, count: number, unitBytes: number): number {
    this.#need(headBytes + count * unitBytes);
    this.#at += headBytes;
    return count;
  }

  #advance(bytes: number): void {
    this.#at += bytes;
  }

  #stepped(bytes: number, value: number): number {
    this.#at += bytes;
    return value;
  }

  /** `width` (1 to 4) bytes, big-endian, `ahead` of the offset. */
  #unsigned(ahead: number, width: number): number {
    this.#need(ahead + width);
    let value = 0;
    for (let i = 0; i < width; i += 1) value = value * 256 + (this.#bytes[this.#at + ahead + i] ?? 0);
    return value;
  }

  /** Four bytes as an Int32, big-endian, `ahead` of the offset; known to be there. */
  #word(ahead: number): number {
    const bytes = this.#bytes;
    const at = this.#at + ahead;
    return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }

  #safe(hi: number, lo: number): number {
    const value = hi * 4294967296 + lo;
    if (!Number.isSafeInteger(value)) throw malformed('an integer is beyond 53 bits');
    return value;
  }
}
