/** A token as bytes, for {@link AddedTokenTrie}. */
export interface TriePattern {
  readonly bytes: Uint8Array;
  /** What {@link AddedTokenTrie.match} answers. Not negative. */
  readonly value: number;
}

const NONE = -1;

/** Finds the longest of many byte strings at a position: a trie in typed arrays, children as linked siblings. */
export class AddedTokenTrie {
  readonly #rootOf = new Int32Array(256).fill(NONE);
  readonly #byte: number[] = [];
  readonly #child: number[] = [];
  readonly #sibling: number[] = [];
  readonly #value: number[] = [];
  readonly #firstBytes: number[] = [];
  #matchedBytes = 0;

  constructor(patterns: readonly TriePattern[]) {
    for (const { bytes, value } of patterns) this.#add(bytes, value);
  }

  /** Bytes of the last match. */
  get matchedBytes(): number {
    return this.#matchedBytes;
  }

  /** First position from `at` where a pattern could begin, `bytes.length` where there is none. */
  nextCandidate(bytes: Uint8Array, at: number): number {
    const [only] = this.#firstBytes;
    if (this.#firstBytes.length === 1 && only !== undefined) {
      const found = bytes.indexOf(only, at);
      return found < 0 ? bytes.length : found;
    }
    const rootOf = this.#rootOf;
    let position = at;
    while (position < bytes.length && (rootOf[bytes[position] ?? 0] ?? NONE) < 0) position += 1;
    return position;
  }

  /** Value of the longest pattern at `at`, -1 for none. */
  match(bytes: Uint8Array, at: number): number {
    let node = this.#rootOf[bytes[at] ?? 0] ?? NONE;
    let longest = NONE;
    for (let end = at + 1; node !== NONE; end += 1) {
      const value = this.#value[node] ?? NONE;
      if (value !== NONE) {
        longest = value;
        this.#matchedBytes = end - at;
      }
      if (end >= bytes.length) break;
      const byte = bytes[end] ?? 0;
      node = this.#child[node] ?? NONE;
      while (node !== NONE && this.#byte[node] !== byte) node = this.#sibling[node] ?? NONE;
    }
    return longest;
  }

  #add(bytes: Uint8Array, value: number): void {
    const first = bytes[0];
    if (first === undefined) return;
    let node = this.#rootOf[first] ?? NONE;
    if (node === NONE) {
      node = this.#create(first, NONE);
      this.#rootOf[first] = node;
      this.#firstBytes.push(first);
    }
    for (const byte of bytes.subarray(1)) {
      let child = this.#child[node] ?? NONE;
      while (child !== NONE && this.#byte[child] !== byte) child = this.#sibling[child] ?? NONE;
      if (child === NONE) {
        child = this.#create(byte, this.#child[node] ?? NONE);
        this.#child[node] = child;
      }
      node = child;
    }
    this.#value[node] = value;
  }

  #create(byte: number, sibling: number): number {
    this.#byte.push(byte);
    this.#child.push(NONE);
    this.#sibling.push(sibling);
    return this.#value.push(NONE) - 1;
  }
}
