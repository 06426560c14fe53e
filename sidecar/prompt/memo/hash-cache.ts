import { HASH_WORDS } from './body-scanner.ts';

interface Entry<Value> {
  readonly words: Int32Array;
  readonly value: Value;
  readonly bytes: number;
}

/** Values by hashes of the bytes that they were read from; the least recently used go first. */
export class HashCache<Value> {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<number, Entry<Value>>();
  #bytes = 0;

  constructor(limits: { readonly maxEntries: number; readonly maxBytes: number }) {
    this.#maxEntries = limits.maxEntries;
    this.#maxBytes = limits.maxBytes;
  }

  /** `words` are one hash or several, one behind the other. */
  get(words: Int32Array): Value | null {
    const key = keyOf(words);
    const entry = this.#entries.get(key);
    if (entry === undefined || !areEqual(entry.words, words)) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value that was read from so many bytes. */
  set(words: Int32Array, value: Value, bytes: number): void {
    const key = keyOf(words);
    this.#bytes += bytes - (this.#entries.get(key)?.bytes ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, { words: words.slice(), value, bytes });
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}

/** 53 bits of all hashes. */
const keyOf = (words: Int32Array): number => {
  let high = 0;
  let low = 0;
  for (let at = 0; at < words.length; at += HASH_WORDS) {
    high ^= words[at] ?? 0;
    low ^= words[at + 1] ?? 0;
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
};

const areEqual = (a: Int32Array, b: Int32Array): boolean => {
  for (let word = 0; word < b.length; word += 1) if (a[word] !== b[word]) return false;
  return true;
};
