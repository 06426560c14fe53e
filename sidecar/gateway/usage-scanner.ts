import type { ObservedUsage } from '../routing/index.ts';
import { mergeUsage, parseUsage } from './usage.ts';

const key = Buffer.from('"usage"');
const openBrace = 0x7b;
const closeBrace = 0x7d;
const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

// Real objects have under 400 bytes; a longer one is not a usage report.
const longestObjectBytes = 8192;

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

type State = 'searching' | 'before-colon' | 'before-object' | 'in-object' | 'in-string' | 'after-backslash';

/**
 * Finds `"usage": {…}` in a response as its bytes pass, whole or streamed, and holds nothing back. Inside JSON strings
 * the key's quotes are escaped, so generated text cannot pose as a report. O(bytes) by native search; keeps at most one
 * report's bytes.
 */
export class UsageScanner {
  #state: State = 'searching';
  /** Bytes of `key` that the stream's end so far matches. */
  #matchedBytes = 0;
  #depth = 0;
  #text = '';
  #usage: ObservedUsage | null = null;

  /** The latest report, null where none was seen. */
  get usage(): ObservedUsage | null {
    return this.#usage;
  }

  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      position = this.#state === 'searching' ? this.#search(chunk, position) : this.#read(chunk, position);
    }
  }

  /** Returns the position after the key, or the chunk's end. */
  #search(chunk: Buffer, from: number): number {
    if (this.#matchedBytes > 0) return this.#continueMatch(chunk, from);
    const at = chunk.indexOf(key, from);
    if (at >= 0) {
      this.#state = 'before-colon';
      return at + key.length;
    }
    this.#matchedBytes = this.#matchAtEnd(chunk, from);
    return chunk.length;
  }

  #matchAtEnd(chunk: Buffer, from: number): number {
    const start = chunk.lastIndexOf(quote);
    const bytes = chunk.length - start;
    if (start < from || bytes >= key.length) return 0;
    return chunk.compare(key, 0, bytes, start, chunk.length) === 0 ? bytes : 0;
  }

  #continueMatch(chunk: Buffer, from: number): number {
    let position = from;
    while (position < chunk.length && chunk[position] === key[this.#matchedBytes]) {
      this.#matchedBytes += 1;
      position += 1;
      if (this.#matchedBytes < key.length) continue;
      this.#matchedBytes = 0;
      this.#state = 'before-colon';
      return position;
    }
    if (position < chunk.length) this.#matchedBytes = 0;
    return position;
  }

  /** Reads on after the key; returns the position at which searching goes on, or the chunk's end. */
  #read(chunk: Buffer, from: number): number {
    let position = from;
    const begin = from;
    for (; position < chunk.length; position += 1) {
      const byte = chunk[position] ?? 0;
      if (this.#state === 'before-colon' || this.#state === 'before-object') {
        if (isSpace(byte)) continue;
        if (!this.#enter(byte)) return position;
        continue;
      }
      if (this.#step(byte)) {
        this.#keep(chunk, begin, position + 1);
        this.#finish();
        return position + 1;
      }
    }
    this.#keep(chunk, begin, position);
    if (this.#text.length > longestObjectBytes) this.#abandon();
    return position;
  }

  /** Takes the colon, then the opening brace; false where something else stands there. */
  #enter(byte: number): boolean {
    if (this.#state === 'before-colon' && byte === colon) {
      this.#state = 'before-object';
      return true;
    }
    if (this.#state === 'before-object' && byte === openBrace) {
      this.#state = 'in-object';
      this.#depth = 1;
      return true;
    }
    this.#abandon();
    return false;
  }

  /** Moves through the object; true at the brace that closes it. */
  #step(byte: number): boolean {
    if (this.#state === 'after-backslash') this.#state = 'in-string';
    else if (this.#state === 'in-string') {
      if (byte === backslash) this.#state = 'after-backslash';
      else if (byte === quote) this.#state = 'in-object';
    } else if (byte === quote) this.#state = 'in-string';
    else if (byte === openBrace) this.#depth += 1;
    else if (byte === closeBrace) this.#depth -= 1;
    return this.#depth === 0;
  }

  #keep(chunk: Buffer, begin: number, end: number): void {
    this.#text += chunk.toString('latin1', begin, end);
  }

  #finish(): void {
    const text = this.#text.slice(this.#text.indexOf('{'));
    this.#abandon();
    try {
      const report = parseUsage(JSON.parse(text));
      if (report !== null) this.#usage = mergeUsage(this.#usage, report) ?? this.#usage;
    } catch {
      // Not JSON: some other text that looks like a report.
    }
  }

  #abandon(): void {
    this.#state = 'searching';
    this.#text = '';
    this.#depth = 0;
  }
}
