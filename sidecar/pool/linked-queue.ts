/** What a {@link LinkedQueue} strings together; the queue alone writes the links. */
export interface QueueLinks<Node> {
  older: Node | null;
  newer: Node | null;
}

/** Entries in order of joining, oldest first; any of them leaves in O(1). An entry is in one queue at most. */
export class LinkedQueue<Node extends QueueLinks<Node>> {
  #oldest: Node | null = null;
  #newest: Node | null = null;
  #size = 0;

  get oldest(): Node | null {
    return this.#oldest;
  }

  get newest(): Node | null {
    return this.#newest;
  }

  get size(): number {
    return this.#size;
  }

  push(node: Node): void {
    node.older = this.#newest;
    node.newer = null;
    if (this.#newest === null) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
    this.#size += 1;
  }

  remove(node: Node): void {
    if (node.older === null) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === null) this.#newest = node.older;
    else node.newer.older = node.older;
    node.older = null;
    node.newer = null;
    this.#size -= 1;
  }

  /** Oldest first. The entry last given may leave meanwhile; others may not. */
  *[Symbol.iterator](): Generator<Node> {
    let node = this.#oldest;
    while (node !== null) {
      const next: Node | null = node.newer;
      yield node;
      node = next;
    }
  }
}
