import { readJson } from '../api/json-reader.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../api/json-value.ts';
import type { BodyScanner } from './body-scanner.ts';
import type { TurnApi } from './conversation-record.ts';

const QUOTE = 0x22;
/** Messages that are searched for long strings, in bytes. */
const LONG_MESSAGE = 1 << 17;
/** Strings that are left where they are until something reads them, in bytes. */
const LONG_STRING = 1 << 15;
/** Text of a conversation that is too long to be remembered, in bytes. */
export const TOO_LONG_TEXT = 1 << 22;

/** A character beyond Latin-1 in JSON, as it is or escaped. V8 keeps a text that has one in two bytes a character. */
const beyondLatin1 = /[\u0100-\uffff]|\\u(?!00)/;

/** A message's JSON and an estimate of the memory that its text takes. */
export interface MessageJson {
  readonly value: JsonValue;
  readonly textBytes: number;
}

const parse = (text: string | null): MessageJson | null => {
  const reading = text === null ? null : readJson(text);
  if (text === null || reading?.kind !== 'whole') return null;
  return { value: reading.value, textBytes: beyondLatin1.test(text) ? text.length * 2 : text.length };
};

/** The long strings of one message, which marks stand for. */
class LongStrings {
  readonly #scanner: BodyScanner;
  /** Begins every mark; no client can know it. */
  readonly #mark = crypto.randomUUID();
  readonly #places: { readonly start: number; readonly end: number }[] = [];
  /** Estimate of the memory that those put back take. */
  textBytes = 0;
  /** Whether one of those to be put back is too long, or not as JSON wants it. */
  isBroken = false;

  constructor(scanner: BodyScanner) {
    this.#scanner = scanner;
  }

  /** The text of a message with marks in it; null where that is not UTF-8. */
  cut(start: number, end: number): string | null {
    const texts: (string | null)[] = [];
    let from = start;
    for (let at = this.#quoteBetween(start, end); at >= 0; at = this.#quoteBetween(at, end)) {
      const behind = this.#scanner.skipString(at, end);
      if (behind < 0) return null;
      if (behind - at > LONG_STRING) {
        texts.push(this.#scanner.text(from, at), `"${this.#mark}${this.#places.length}"`);
        this.#places.push({ start: at, end: behind });
        from = behind;
      }
      at = behind;
    }
    texts.push(this.#scanner.text(from, end));
    return texts.includes(null) ? null : texts.join('');
  }

  /** The value with strings for their marks, except in what is `unread`. */
  putBack(value: JsonValue, unread: ReadonlySet<JsonValue>): JsonValue {
    if (unread.has(value)) return value;
    if (typeof value === 'string') return this.#stringOf(value);
    if (isJsonArray(value)) return value.map((item) => this.putBack(item, unread));
    if (!isJsonObject(value)) return value;
    return new Map(Array.from(value, ([key, item]) => [this.#stringOf(key), this.putBack(item, unread)]));
  }

  #stringOf(text: string): string {
    const place = text.startsWith(this.#mark) ? this.#places[Number(text.slice(this.#mark.length))] : undefined;
    if (place === undefined) return text;
    const { start, end } = place;
    const json = end - start < TOO_LONG_TEXT ? parse(this.#scanner.text(start, end)) : null;
    if (typeof json?.value === 'string') {
      this.textBytes += json.textBytes;
      return json.value;
    }
    this.isBroken = true;
    return '';
  }

  #quoteBetween(start: number, end: number): number {
    const found = this.#scanner.bytes.subarray(start, end).indexOf(QUOTE);
    return found < 0 ? -1 : start + found;
  }
}

/**
 * Reads the JSON of the message that stands in the scanner's body; null where it is not valid, or too long. Long strings
 * that no template sees, as those of images, are neither read nor checked: marks stand for them.
 */
export const readMessageJson = (
  scanner: BodyScanner,
  { start, end }: { readonly start: number; readonly end: number },
  api: TurnApi,
): MessageJson | null => {
  if (end - start < LONG_MESSAGE) return parse(scanner.text(start, end));
  const strings = new LongStrings(scanner);
  const json = parse(strings.cut(start, end));
  if (json === null) return null;
  const value = strings.putBack(json.value, new Set(api.unreadValues(json.value)));
  return strings.isBroken ? null : { value, textBytes: json.textBytes + strings.textBytes };
};
