import type { BlockKeys } from './block-keys.ts';
import { ChainSegments, NONE } from './chain-segments.ts';

/** Fields of a segment in the list: its neighbours. */
const NEWER = 0;
const OLDER = 1;
const LINKS = 2;

/** Keys that a segment is to have on average: where prompts part so often that it has fewer, less is remembered. */
const FEWEST_KEYS = 8;
const FEWEST_SEGMENTS = 64;

/**
 * Keys of the most recently used chains, up to a number of keys: segments of chains in a doubly linked list. Keys are
 * chained, equal ones have equal keys before them, and random. A key is always more recent than those behind it in its
 * chain, and outlives them. About 10 bytes a key where prompts are long and seldom part.
 */
export class RecentChains {
  readonly #maxKeys: number;
  readonly #maxSegments: number;
  #size = 0;
  readonly #segments = new ChainSegments();
  /** The list runs from `newest` to `oldest`. */
  #links = new Int32Array(0);
  #newest = NONE;
  #oldest = NONE;
  /** Segments of the chain at hand that were known. */
  readonly #known: number[] = [];

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
    this.#maxSegments = Math.max(FEWEST_SEGMENTS, Math.ceil(maxKeys / FEWEST_KEYS));
  }

  get bytes(): number {
    return this.#segments.bytes + this.#links.byteLength;
  }

  /** How many keys of a chain, from its start, are remembered. O(segments x log keys). */
  knownKeys(keys: BlockKeys): number {
    const to = keys.count;
    let key = 0;
    while (key < to) {
      const segment = this.#segments.find(keys, key);
      if (segment === NONE) break;
      key += this.#segments.shared(segment, keys, { from: key, to });
    }
    return key;
  }

  /**
   * Makes the first keys of a chain the most recent, `maxKeys` of them at most; forgets the least recent where there are
   * too many. O(segments + new keys).
   */
  use(keys: BlockKeys): void {
    const to = Math.min(keys.count, this.#maxKeys);
    let from = this.#gather(keys, to);
    const known = this.#known;
    for (let at = known.length - 1; at >= 0; at -= 1) this.#moveFirst(known[at] ?? NONE);
    this.#size += to - from;
    let last = known.at(-1) ?? NONE;
    if (last !== NONE) from += this.#segments.extend(last, keys, { from, to });
    while (from < to) {
      const segment = this.#segments.add(keys, { from, to });
      this.#linkBehind(last, segment);
      from += this.#segments.count(segment);
      last = segment;
    }
    this.#forget();
  }

  /** Gathers the known segments of a chain's first keys, parting the one of which it has only a part; returns their keys. */
  #gather(keys: BlockKeys, to: number): number {
    const known = this.#known;
    known.length = 0;
    let from = 0;
    while (from < to) {
      const segment = this.#segments.find(keys, from);
      if (segment === NONE) break;
      const shared = this.#segments.shared(segment, keys, { from, to });
      if (shared < this.#segments.count(segment)) this.#linkBehind(segment, this.#segments.split(segment, shared));
      known.push(segment);
      from += shared;
    }
    return from;
  }

  /** Forgets the least recent keys that are too many. */
  #forget(): void {
    for (;;) {
      const oldest = this.#oldest;
      const count = this.#segments.count(oldest);
      const tooMany = this.#segments.size > this.#maxSegments ? count : Math.min(count, this.#size - this.#maxKeys);
      if (tooMany <= 0) return;
      if (tooMany === count) this.#unlink(oldest);
      this.#segments.shorten(oldest, tooMany);
      this.#size -= tooMany;
    }
  }

  #moveFirst(segment: number): void {
    if (segment === this.#newest) return;
    this.#unlink(segment);
    this.#join(segment, this.#newest);
    this.#join(NONE, segment);
  }

  #linkBehind(newer: number, segment: number): void {
    const needed = (this.#segments.capacity + 1) * LINKS;
    if (this.#links.length < needed) {
      const grown = new Int32Array(needed);
      grown.set(this.#links);
      this.#links = grown;
    }
    const older = newer === NONE ? this.#newest : this.#read(newer, OLDER);
    this.#join(newer, segment);
    this.#join(segment, older);
  }

  #unlink(segment: number): void {
    this.#join(this.#read(segment, NEWER), this.#read(segment, OLDER));
  }

  /** Makes two segments neighbours; none stands for the list's end. */
  #join(newer: number, older: number): void {
    if (newer === NONE) this.#newest = older;
    else this.#links[newer * LINKS + OLDER] = older;
    if (older === NONE) this.#oldest = newer;
    else this.#links[older * LINKS + NEWER] = newer;
  }

  #read(segment: number, field: number): number {
    return this.#links[segment * LINKS + field] ?? NONE;
  }
}
