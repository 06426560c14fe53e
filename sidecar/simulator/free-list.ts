/** Doubly linked queue of block numbers in typed arrays; the first one is used again first. Every operation is O(1). */
export class FreeList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Number of the ring's anchor, which is no block. */
  readonly #anchor: number;
  #size = 0;

  /** An empty list for block numbers below `capacity`. */
  constructor(capacity: number) {
    this.#anchor = capacity;
    this.#next = new Int32Array(capacity + 1);
    this.#previous = new Int32Array(capacity + 1);
    this.#next[capacity] = capacity;
    this.#previous[capacity] = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a block behind all others. */
  append(block: number): void {
    this.#insert(block, this.#previous[this.#anchor] ?? 0);
  }

  /** Adds a block in front of all others. */
  prepend(block: number): void {
    this.#insert(block, this.#anchor);
  }

  /** Takes a block out, wherever it is. It must be in the list. */
  remove(block: number): void {
    const before = this.#previous[block] ?? 0;
    const after = this.#next[block] ?? 0;
    this.#next[before] = after;
    this.#previous[after] = before;
    this.#size--;
  }

  /** Takes the first block out; null when the list is empty. */
  takeFirst(): number | null {
    if (this.#size === 0) return null;
    const block = this.#next[this.#anchor] ?? 0;
    this.remove(block);
    return block;
  }

  #insert(block: number, before: number): void {
    const after = this.#next[before] ?? 0;
    this.#next[before] = block;
    this.#previous[block] = before;
    this.#next[block] = after;
    this.#previous[after] = block;
    this.#size++;
  }
}
