import { HASH_WORDS } from './body-scanner.ts';
import type { TurnApi } from './conversation-record.ts';
import type { Frame } from './frame.ts';

const MAX_FRAMES = 1024;
const MAX_BYTES = 1 << 25;

interface Entry {
  readonly api: TurnApi;
  readonly words: Int32Array;
  readonly frame: Frame;
  readonly bytes: number;
}

/** Frames by their API and the hashes of the bytes before and behind the messages; the least recently used go first. */
export class FrameCache {
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;

  /** `words` are both hashes, one behind the other. */
  get(words: Int32Array, api: TurnApi): Frame | null {
    const key = keyOf(words);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.api !== api || !areEqual(entry.words, words)) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.frame;
  }

  /** Keeps a frame that was read from so many bytes. */
  set(words: Int32Array, { api, frame, bytes }: Omit<Entry, 'words'>): void {
    const key = keyOf(words);
    this.#bytes += bytes - (this.#entries.get(key)?.bytes ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, { api, words: words.slice(), frame, bytes });
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= MAX_FRAMES && this.#bytes <= MAX_BYTES) return;
      this.#entries.delete(oldest);
      this.#bytes -= entry.bytes;
    }
  }
}

const keyOf = (words: Int32Array): number =>
  (((words[0] ?? 0) ^ (words[HASH_WORDS] ?? 0)) >>> 0) * 2 ** 21 +
  (((words[1] ?? 0) ^ (words[HASH_WORDS + 1] ?? 0)) >>> 11);

const areEqual = (a: Int32Array, b: Int32Array): boolean => {
  for (let word = 0; word < b.length; word += 1) if (a[word] !== b[word]) return false;
  return true;
};
