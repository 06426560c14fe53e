import { SidecarError } from '../../core/index.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;

// `[` and `{`, `]` and `}`, letters in either case differ by one bit.
const CASE = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const opens = (byte: number): boolean => (byte | CASE) === OPEN;
const closes = (byte: number): boolean => (byte | CASE) === CLOSE;

/** Whether a byte can be part of a number or of `true`, `false`, `null`. */
const isScalar = (byte: number): boolean =>
  (byte >= ZERO && byte <= NINE) ||
  ((byte | CASE) - 0x61) >>> 0 < 26 ||
  byte === 0x2b ||
  byte === MINUS ||
  byte === 0x2e;

const notJson = (): never => {
  throw new SidecarError('tokenizer-unavailable', 'tokenizer.json is not JSON', {
    details: { file: 'tokenizer.json' },
  });
};

/**
 * Reads JSON (RFC 8259) where it lies, in UTF-8, front to back: lists of hundreds of thousands of strings without a string
 * or object of JavaScript for each. Checks what it reads and skims over what it skips. Throws SidecarError
 * `tokenizer-unavailable` where the bytes are not JSON.
 */
export class JsonBytes {
  /** Where reading goes on; white space may come first. */
  position = 0;
  /** Text of the last string read: `text[textStart, textEnd)`, UTF-8; valid until the next one is read. */
  text: Uint8Array;
  textStart = 0;
  textEnd = 0;
  readonly #bytes: Buffer;
  /** Whether {@link #stringEnd} came over a backslash. */
  #hasEscapes = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.text = bytes;
  }

  /** Byte that comes next after white space, which is passed; -1 at the end. */
  peek(): number {
    const bytes = this.#bytes;
    for (let byte = bytes[this.position]; ; byte = bytes[++this.position]) {
      if (byte === undefined) return -1;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
  }

  /** Passes the byte if it comes next; returns whether it did. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.position += 1;
    return true;
  }

  /** Passes the byte, which must come next. */
  expect(byte: number): void {
    if (!this.take(byte)) notJson();
  }

  /** Calls `read` at each item of the list or object that comes next, which `close` ends; `read` must pass the item. */
  items(open: number, close: number, read: () => void): void {
    this.expect(open);
    if (this.take(close)) return;
    do read();
    while (this.take(COMMA));
    this.expect(close);
  }

  /** Reads the string that comes next. */
  string(): void {
    this.expect(QUOTE);
    const start = this.position;
    const end = this.#stringEnd(start);
    this.position = end + 1;
    if (this.#hasEscapes) {
      this.#unescape(start, end);
      return;
    }
    this.text = this.#bytes;
    this.textStart = start;
    this.textEnd = end;
  }

  /** Reads the integer that comes next, of up to 15 digits; -1 for any other number. */
  integer(): number {
    const first = this.peek();
    if (first !== MINUS && (first < ZERO || first > NINE)) return notJson();
    const start = this.position;
    let value = 0;
    for (;;) {
      const byte = this.#bytes[this.position] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + byte - ZERO;
      this.position += 1;
    }
    const digits = this.position - start;
    const isWhole = this.#skipScalar() === 0;
    return isWhole && digits > 0 && digits <= 15 ? value : -1;
  }

  /** Passes any value. */
  skip(): void {
    const first = this.peek();
    if (first < 0) notJson();
    if (first !== QUOTE && !opens(first)) {
      if (this.#skipScalar() === 0) notJson();
      return;
    }
    let depth = 0;
    do {
      const byte = this.#bytes[this.position] ?? notJson();
      this.position = byte === QUOTE ? this.#stringEnd(this.position + 1) + 1 : this.position + 1;
      if (opens(byte)) depth += 1;
      else if (closes(byte)) depth -= 1;
    } while (depth > 0);
  }

  /** Passes what can be part of a number or word; returns how many bytes. */
  #skipScalar(): number {
    const start = this.position;
    while (isScalar(this.#bytes[this.position] ?? 0)) this.position += 1;
    return this.position - start;
  }

  /** Where the string whose text begins at `start` has its closing quote. */
  #stringEnd(start: number): number {
    const bytes = this.#bytes;
    this.#hasEscapes = false;
    for (let at = start; ; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      if (byte === undefined) return notJson();
      if (byte !== BACKSLASH) continue;
      this.#hasEscapes = true;
      at += 1;
    }
  }

  #unescape(start: number, end: number): void {
    let text: unknown;
    try {
      text = JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1));
    } catch {
      notJson();
    }
    this.text = Buffer.from(String(text));
    this.textStart = 0;
    this.textEnd = this.text.length;
  }
}
