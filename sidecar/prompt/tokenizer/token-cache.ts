import { hash } from 'node:crypto';

const idBytes = 4;
const firstIds = 1 << 14;

/** Where an entry's ids lie, by the ids written since the start. */
interface Entry {
  readonly position: number;
  readonly count: number;
}

/**
 * Token ids of texts, by the text's SHA-256. Ids lie in one ring of memory, so that the oldest give way to the newest;
 * the texts themselves are not kept. `maxBytes` bounds the ids; an entry takes some 150 bytes more.
 */
export class TokenCache {
  readonly #maxIds: number;
  /** By digest, oldest first. */
  readonly #entries = new Map<string, Entry>();
  #ring: Int32Array;
  #written = 0;

  constructor(options: { readonly maxBytes: number }) {
    this.#maxIds = Math.max(1, Math.floor(options.maxBytes / idBytes));
    this.#ring = new Int32Array(Math.min(firstIds, this.#maxIds));
  }

  /** A copy of the ids of a text, null where they are not known. O(text). */
  get(text: string): Int32Array | null {
    const entry = this.#entries.get(digestOf(text));
    if (entry === undefined) return null;
    const start = entry.position % this.#ring.length;
    return this.#ring.slice(start, start + entry.count);
  }

  /** Keeps the ids of a text; more than a quarter of the bound are not kept. */
  set(text: string, ids: Int32Array): void {
    if (ids.length > this.#maxIds / 4) return;
    const digest = digestOf(text);
    this.#entries.delete(digest);
    this.#makeRoom(ids.length);
    this.#ring.set(ids, this.#written % this.#ring.length);
    this.#entries.set(digest, { position: this.#written, count: ids.length });
    this.#written += ids.length;
  }

  /** Grows the ring while it may, skips its end where the ids would not lie in one piece, drops what they overwrite. */
  #makeRoom(count: number): void {
    while (this.#written + count > this.#ring.length && this.#ring.length < this.#maxIds) {
      const larger = new Int32Array(Math.min(this.#maxIds, this.#ring.length * 2));
      larger.set(this.#ring);
      this.#ring = larger;
    }
    const left = this.#ring.length - (this.#written % this.#ring.length);
    if (left < count) this.#written += left;
    const firstKept = this.#written + count - this.#ring.length;
    for (const [digest, { position }] of this.#entries) {
      if (position >= firstKept) return;
      this.#entries.delete(digest);
    }
  }
}

const digestOf = (text: string): string => hash('sha256', text, 'base64');
