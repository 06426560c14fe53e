import { decodeString, decodeUnfinishedString } from './json-string.ts';
import { JsonNumber, type JsonObject, type JsonValue } from './json-value.ts';
import { readTokenList } from './token-list.ts';

/** Deeper documents are refused; Python's reader gives up at about 1,000. */
const maxDepth = 512;
/** Python refuses to convert longer integers. */
const maxIntegerDigits = 4300;

/** A key or list index. */
export type PathStep = string | number;

/** The value of a token key, read straight into typed arrays: one array a list, a flat list being one. */
export interface TokenLists {
  readonly lists: readonly Int32Array[];
  /** Whether the document has a list of lists. */
  readonly isNested: boolean;
  /** Whether the text ended within the last list. */
  readonly isLastOpen: boolean;
}

/** What was read of a document. */
export type JsonReading =
  | { readonly kind: 'whole'; readonly value: JsonValue; readonly tokenLists: ReadonlyMap<string, TokenLists> }
  | {
      /** The text ended early. `value` holds what was read; the value at `openPath` is unfinished, the rest are whole. */
      readonly kind: 'cut';
      readonly value: JsonValue | undefined;
      readonly tokenLists: ReadonlyMap<string, TokenLists>;
      readonly openPath: readonly PathStep[];
    }
  | { readonly kind: 'invalid'; readonly at: number };

/** Which members of the root object are wanted. */
export interface JsonReaderOptions {
  /** Root keys whose values are kept; the others are checked and dropped. */
  readonly keys: ReadonlySet<string>;
  /**
   * Keys, by the root key they stand under ('' for the root object), whose value goes to `tokenLists` where it is a list
   * of integers or of lists of integers below 2^31; an empty list stands in the value in its place. Names are unique.
   */
  readonly tokenKeys: ReadonlyMap<string, ReadonlySet<string>>;
}

const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const quote = 34;
const plus = 43;
const comma = 44;
const minus = 45;
const dot = 46;
const zero = 48;
const nine = 57;
const colon = 58;
const capitalE = 69;
const openBracket = 91;
const closeBracket = 93;
const smallE = 101;
const openBrace = 123;
const closeBrace = 125;

const literals = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', new JsonNumber('NaN')],
  ['Infinity', new JsonNumber('Infinity')],
  ['-Infinity', new JsonNumber('-Infinity')],
] as const;

/** Stands for a value of which nothing was read. */
const absent = Symbol('absent');
type Absent = typeof absent;

class JsonReader {
  readonly #text: string;
  readonly #options: JsonReaderOptions | null;
  readonly #openPath: PathStep[] = [];
  readonly #tokenLists = new Map<string, TokenLists>();
  #at = 0;
  #depth = 0;
  #rootKey = '';
  /** A backslash: the first one at or after `#at`, one already passed, or beyond the text where none is left. */
  #backslash = -1;
  /** Set once, when the text has ended or is found invalid; every level then returns what it has. */
  #stopped: 'no' | 'cut' | 'invalid' = 'no';

  constructor(text: string, options: JsonReaderOptions | null) {
    this.#text = text;
    this.#options = options;
  }

  read(): JsonReading {
    this.#skipSpace();
    const value = this.#value();
    if (this.#stopped === 'no') this.#skipSpace();
    const hasMore = this.#stopped === 'no' && this.#at < this.#text.length;
    if (hasMore || this.#stopped === 'invalid') return { kind: 'invalid', at: this.#at };
    const tokenLists = this.#tokenLists;
    if (this.#stopped === 'no' && value !== absent) return { kind: 'whole', value, tokenLists };
    return { kind: 'cut', value: value === absent ? undefined : value, tokenLists, openPath: this.#openPath.reverse() };
  }

  #skipSpace(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== space && code !== lineFeed && code !== carriageReturn && code !== tab) return;
      this.#at++;
    }
  }

  /** Ends the reading here: cut where the text has ended, invalid otherwise. */
  #stop(): void {
    if (this.#stopped === 'no') this.#stopped = this.#at >= this.#text.length ? 'cut' : 'invalid';
  }

  #value(): JsonValue | Absent {
    const code = this.#text.charCodeAt(this.#at);
    if (code === quote) return this.#string();
    if (code === openBrace) return this.#object();
    if (code === openBracket) return this.#array();
    if (code >= zero && code <= nine) return this.#number(this.#at);
    if (code === minus) {
      const next = this.#text.charCodeAt(this.#at + 1);
      if (next >= zero && next <= nine) return this.#number(this.#at + 1);
    }
    return this.#literal();
  }

  #object(): JsonObject | Absent {
    if (!this.#enter()) return absent;
    const members = new Map<string, JsonValue>();
    if (this.#text.charCodeAt(this.#at) === closeBrace) {
      this.#leave();
      return members;
    }
    for (;;) {
      const key = this.#key();
      if (key === absent) return members;
      const value = this.#isWanted(key) ? this.#member(key) : this.#dropValue();
      if (value !== absent) members.set(key, value);
      if (this.#stopped !== 'no') {
        if (value !== absent) this.#openPath.push(key);
        return members;
      }
      if (this.#isLast(closeBrace)) return members;
    }
  }

  #array(): readonly JsonValue[] | Absent {
    if (!this.#enter()) return absent;
    const items: JsonValue[] = [];
    if (this.#text.charCodeAt(this.#at) === closeBracket) {
      this.#leave();
      return items;
    }
    for (;;) {
      const value = this.#value();
      if (value !== absent) items.push(value);
      if (this.#stopped !== 'no') {
        if (value !== absent) this.#openPath.push(items.length - 1);
        return items;
      }
      if (this.#isLast(closeBracket)) return items;
    }
  }

  /** Passes an opening bracket and the space after it; false where the document is too deep. */
  #enter(): boolean {
    if (++this.#depth > maxDepth) {
      this.#stopped = 'invalid';
      return false;
    }
    this.#at++;
    this.#skipSpace();
    return true;
  }

  #leave(): void {
    this.#at++;
    this.#depth--;
  }

  /** After a member or item: whether its container ends here (or the reading does). Else stands at the next one. */
  #isLast(closing: number): boolean {
    this.#skipSpace();
    const code = this.#text.charCodeAt(this.#at);
    if (code === comma) {
      this.#at++;
      this.#skipSpace();
      return false;
    }
    if (code === closing) this.#leave();
    else this.#stop();
    return true;
  }

  /** A member's key, with the colon and space after it passed. */
  #key(): string | Absent {
    if (this.#text.charCodeAt(this.#at) !== quote) {
      this.#stop();
      return absent;
    }
    const key = this.#string();
    if (this.#stopped !== 'no') return absent;
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== colon) {
      this.#stop();
      return absent;
    }
    this.#at++;
    this.#skipSpace();
    return key;
  }

  #isWanted(key: string): boolean {
    if (this.#depth !== 1) return true;
    this.#rootKey = key;
    return this.#options === null || this.#options.keys.has(key);
  }

  #dropValue(): Absent {
    this.#value();
    this.#openPath.length = 0;
    return absent;
  }

  #member(key: string): JsonValue | Absent {
    const parent = this.#depth === 1 ? '' : this.#rootKey;
    const isTokenKey = this.#depth <= 2 && (this.#options?.tokenKeys.get(parent)?.has(key) ?? false);
    if (!isTokenKey) return this.#value();
    this.#tokenLists.delete(key);
    const reading = this.#text.charCodeAt(this.#at) === openBracket ? readTokenList(this.#text, this.#at) : null;
    if (reading === null) return this.#value();
    this.#tokenLists.set(key, reading);
    this.#at = reading.end;
    if (reading.isCut) this.#stop();
    return [];
  }

  #number(firstDigit: number): JsonNumber | Absent {
    const text = this.#text;
    const start = this.#at;
    this.#at = firstDigit;
    if (text.charCodeAt(this.#at) === zero) this.#at++;
    else this.#digits();
    const integerEnd = this.#at;
    if (text.charCodeAt(this.#at) === dot) {
      this.#at++;
      if (this.#digits() === 0) return this.#ended();
    }
    const exponent = text.charCodeAt(this.#at);
    if (exponent === smallE || exponent === capitalE) {
      const sign = text.charCodeAt(this.#at + 1);
      this.#at += sign === plus || sign === minus ? 2 : 1;
      if (this.#digits() === 0) return this.#ended();
    }
    // A number at the end of the text may go on, save where it is the whole document.
    if (this.#at >= text.length && this.#depth > 0) return this.#ended();
    if (this.#at === integerEnd && integerEnd - firstDigit > maxIntegerDigits) return this.#invalid();
    return new JsonNumber(text.slice(start, this.#at));
  }

  #digits(): number {
    const start = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code >= zero && code <= nine)) return this.#at - start;
      this.#at++;
    }
  }

  #ended(): Absent {
    this.#stop();
    return absent;
  }

  #invalid(): Absent {
    this.#stopped = 'invalid';
    return absent;
  }

  #literal(): JsonValue | Absent {
    for (const [word, value] of literals) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    const rest = this.#text.slice(this.#at, this.#at + 9);
    if (literals.some(([word]) => word.startsWith(rest))) this.#at += rest.length;
    return this.#ended();
  }

  /** A string; where the text ends within it, what is known of it. */
  #string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    let end = text.indexOf('"', start);
    if (this.#backslash < start) this.#backslash = this.#backslashFrom(start);
    const hasEscapes = this.#backslash < (end < 0 ? text.length : end);
    while (end >= 0 && this.#backslash < end) {
      const next = this.#backslash + 2;
      if (end < next) end = text.indexOf('"', next);
      this.#backslash = this.#backslashFrom(next);
    }
    const isWhole = end >= 0;
    const value = isWhole ? decodeString(text, { start, end, hasEscapes }) : decodeUnfinishedString(text, start);
    if (value === null) {
      this.#stopped = 'invalid';
      return '';
    }
    this.#at = isWhole ? end + 1 : text.length;
    if (!isWhole) this.#stop();
    return value;
  }

  #backslashFrom(start: number): number {
    const found = this.#text.indexOf('\\', start);
    return found < 0 ? this.#text.length : found;
  }
}

/**
 * Reads a JSON document as Python's `json.loads` does: key order, number text and lone surrogates survive, of a repeated
 * key the last value counts, NaN and the infinities are numbers. Tolerates a text that ends anywhere. Never throws; time
 * and memory are linear in the text.
 */
export const readJson = (text: string, options: JsonReaderOptions | null = null): JsonReading =>
  new JsonReader(text, options).read();
