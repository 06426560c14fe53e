import type { JsonObject } from '../api/json-value.ts';
import { skipSpace } from './body-members.ts';
import type { BodyScanner } from './body-scanner.ts';
import { type KnownEntry, type MessageHash, remembered, type TurnApi } from './conversation-record.ts';
import { readMessageJson } from './message-json.ts';

const COMMA = 0x2c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;

const hashOf = (words: Int32Array): MessageHash => ({
  a: words[0] ?? 0,
  b: words[1] ?? 0,
  c: words[2] ?? 0,
  d: words[3] ?? 0,
});

/** Where a walk over a list of messages stands: at the next message, at the end of the list, or at what is neither. */
export type Step = 'message' | 'end' | 'broken';

/** Walks over the list of messages that begins at `listStart` in the scanner's body, message by message. */
export class MessageWalk {
  readonly #scanner: BodyScanner;
  readonly #listStart: number;
  readonly #end: number;
  /** Behind the bracket or the last message; after {@link step} at the next message, or behind the list. */
  at: number;
  /** Whether {@link step} has come to the end of the list. */
  isAtEnd = false;
  #isFirst = true;

  constructor(scanner: BodyScanner, listStart: number, end: number) {
    this.#scanner = scanner;
    this.#listStart = listStart;
    this.#end = end;
    this.at = listStart + 1;
  }

  /** Goes on behind an entry that is known to stand in this body. */
  jump(entry: KnownEntry): void {
    this.at = this.#listStart + entry.end;
    this.#isFirst = false;
  }

  /** Goes to the next message. */
  step(): Step {
    const { bytes } = this.#scanner;
    let at = skipSpace(bytes, this.at);
    const byte = at < this.#end ? bytes[at] : -1;
    if (byte === CLOSE_BRACKET) {
      this.at = at + 1;
      this.isAtEnd = true;
      return 'end';
    }
    if (!this.#isFirst) {
      if (byte !== COMMA) return 'broken';
      at = skipSpace(bytes, at + 1);
    }
    this.at = at;
    return at < this.#end && bytes[at] === OPEN_BRACE ? 'message' : 'broken';
  }

  /** Whether the message stood at is one that was read before. Passes it where it is. */
  passKnown(known: KnownEntry): boolean {
    if (this.at !== this.#listStart + known.start) return false;
    const end = this.#listStart + known.end;
    if (end >= this.#end) return false;
    const { a, b, c, d } = hashOf(this.#scanner.hash(this.at, end));
    const { hash } = known;
    if (a !== hash.a || b !== hash.b || c !== hash.c || d !== hash.d) return false;
    this.jump(known);
    return true;
  }

  /**
   * Reads messages to the end of the list, or until their text takes so much memory; null where one is none that a plain
   * request of the API has. `before` is the entry in front of them, if any.
   */
  readOn(
    api: TurnApi,
    { before, mostBytes }: { readonly before: KnownEntry | undefined; readonly mostBytes: number },
  ): readonly KnownEntry[] | null {
    const entries: KnownEntry[] = [];
    let open = before?.open ?? null;
    for (let bytes = 0; bytes < mostBytes; ) {
      const step = this.step();
      if (step === 'end') break;
      const entry = step === 'broken' ? null : this.#read(api, open);
      if (entry === null) return null;
      entries.push(entry);
      open = entry.open;
      bytes += entry.textBytes;
    }
    return entries;
  }

  /** Reads the message stood at and passes it; null where it is none that a plain request of the API has. */
  #read(api: TurnApi, open: JsonObject | null): KnownEntry | null {
    const start = this.at;
    const end = this.#scanner.skipContainer(start, this.#end);
    if (end < 0) return null;
    const json = readMessageJson(this.#scanner, { start, end }, api);
    const read = json === null ? null : api.readEntry(json.value, open);
    if (json === null || read === null) return null;
    const known: KnownEntry = {
      start: start - this.#listStart,
      end: end - this.#listStart,
      hash: hashOf(this.#scanner.hash(start, end)),
      ...read,
      messages: read.messages.map(remembered),
      textBytes: json.textBytes,
    };
    this.jump(known);
    return known;
  }
}
