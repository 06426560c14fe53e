import type { BlockStore } from './block-store.ts';
import { DUMP_ENTRY_WORDS } from './dump-format.ts';

const HEAD_WORDS = 2;

/** Writes one section of a dump after the other: its content first, its head when it is finished. */
export class SectionWriter {
  #words = new Int32Array(1024);
  #length = HEAD_WORDS;

  push(word: number): void {
    if (this.#length === this.#words.length) {
      const grown = new Int32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#length++] = word;
  }

  /** Adds an entry in the order of `DUMP_ENTRY`; node 0 for an engine key that is gone. */
  pushEntry(
    store: BlockStore,
    entry: { readonly lo: number; readonly hi: number; readonly node: number; readonly count: number },
  ): void {
    const { nodes, sizes } = store;
    const { node } = entry;
    this.push(entry.lo);
    this.push(entry.hi);
    this.push(entry.count);
    this.push(nodes.keyLo(node));
    this.push(nodes.keyHi(node));
    this.push(node);
    this.push(nodes.parent(node));
    this.push(sizes.sizeOf(nodes.sizeClass(node)));
  }

  /** Whole entries pushed after the one word with the shelf's number. */
  get entries(): number {
    return (this.#length - HEAD_WORDS - 1) / DUMP_ENTRY_WORDS;
  }

  /** The section's bytes; starts the next one. */
  finish(kind: number): Uint8Array {
    this.#words[0] = kind;
    this.#words[1] = this.#length - HEAD_WORDS;
    const section = this.#words.slice(0, this.#length);
    this.#length = HEAD_WORDS;
    return new Uint8Array(section.buffer);
  }
}
