import { DUMP_ENTRY, DUMP_ENTRY_WORDS } from './dump-format.ts';
import type { DumpedEntries } from './read-dump.ts';

/** Entries handled between two yields where each costs a few nanoseconds. */
const ENTRIES_PER_STEP = 32_768;
/** Bits of a node number that one pass of the sort looks at. */
const DIGIT_BITS = 13;
const DIGITS = 1 << DIGIT_BITS;

/** All entries of a dump in one array, with the order to bring them back in. */
export class EntryList {
  readonly #words: Int32Array;
  /** Number of the section that each entry comes from. */
  readonly #sections: Int32Array;

  private constructor(words: Int32Array, sections: Int32Array) {
    this.#words = words;
    this.#sections = sections;
  }

  /** Gathers the entries of all sections. */
  static *gather(sections: readonly DumpedEntries[]): Generator<void, EntryList, void> {
    const count = sections.reduce((sum, { words }) => sum + words.length / DUMP_ENTRY_WORDS, 0);
    const words = new Int32Array(count * DUMP_ENTRY_WORDS);
    const sectionOf = new Int32Array(count);
    let filled = 0;
    for (const [number, section] of sections.entries()) {
      const entries = section.words.length / DUMP_ENTRY_WORDS;
      words.set(section.words, filled * DUMP_ENTRY_WORDS);
      sectionOf.fill(number, filled, filled + entries);
      filled += entries;
      yield;
    }
    return new EntryList(words, sectionOf);
  }

  get length(): number {
    return this.#sections.length;
  }

  /** One word of an entry, by `DUMP_ENTRY`. */
  word(entry: number, field: number): number {
    return this.#words[entry * DUMP_ENTRY_WORDS + field] ?? 0;
  }

  section(entry: number): number {
    return this.#sections[entry] ?? 0;
  }

  /** Entries by ascending node number: a radix sort in two passes, in steps. */
  *byNode(): Generator<void, Int32Array, void> {
    let order: Int32Array = new Int32Array(this.length);
    for (let entry = 0; entry < this.length; entry += 1) {
      order[entry] = entry;
      if (entry % ENTRIES_PER_STEP === 0) yield;
    }
    for (const shift of [0, DIGIT_BITS]) {
      const digitAt = (position: number, from: Int32Array): number =>
        (this.word(from[position] ?? 0, DUMP_ENTRY.node) >>> shift) & (DIGITS - 1);
      const places = new Int32Array(DIGITS + 1);
      for (let position = 0; position < this.length; position += 1) {
        const digit = digitAt(position, order) + 1;
        places[digit] = (places[digit] ?? 0) + 1;
        if (position % ENTRIES_PER_STEP === 0) yield;
      }
      for (let digit = 1; digit < DIGITS; digit += 1) places[digit] = (places[digit] ?? 0) + (places[digit - 1] ?? 0);
      const sorted = new Int32Array(this.length);
      for (let position = 0; position < this.length; position += 1) {
        const digit = digitAt(position, order);
        const place = places[digit] ?? 0;
        sorted[place] = order[position] ?? 0;
        places[digit] = place + 1;
        if (position % ENTRIES_PER_STEP === 0) yield;
      }
      order = sorted;
    }
    return order;
  }
}
