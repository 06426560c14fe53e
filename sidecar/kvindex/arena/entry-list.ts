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
    for (let from = 0; from < order.length; from += ENTRIES_PER_STEP) {
      const end = Math.min(order.length, from + ENTRIES_PER_STEP);
      for (let entry = from; entry < end; entry += 1) order[entry] = entry;
      yield;
    }
    for (const shift of [0, DIGIT_BITS]) {
      const places = new Int32Array(DIGITS + 1);
      const sorted = new Int32Array(order.length);
      for (let from = 0; from < order.length; from += ENTRIES_PER_STEP) {
        this.#countDigits(order.subarray(from, from + ENTRIES_PER_STEP), { shift, places });
        yield;
      }
      for (let digit = 1; digit < DIGITS; digit += 1) places[digit] = (places[digit] ?? 0) + (places[digit - 1] ?? 0);
      for (let from = 0; from < order.length; from += ENTRIES_PER_STEP) {
        this.#place(order.subarray(from, from + ENTRIES_PER_STEP), { shift, places, sorted });
        yield;
      }
      order = sorted;
    }
    return order;
  }

  /** Counts each digit one place further on, so that the sums are where its first entry goes. */
  #countDigits(entries: Int32Array, { shift, places }: { readonly shift: number; readonly places: Int32Array }): void {
    const words = this.#words;
    for (let at = 0; at < entries.length; at += 1) {
      const node = words[(entries[at] ?? 0) * DUMP_ENTRY_WORDS + DUMP_ENTRY.node] ?? 0;
      const next = ((node >>> shift) & (DIGITS - 1)) + 1;
      places[next] = (places[next] ?? 0) + 1;
    }
  }

  #place(
    entries: Int32Array,
    { shift, places, sorted }: { readonly shift: number; readonly places: Int32Array; readonly sorted: Int32Array },
  ): void {
    const words = this.#words;
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at] ?? 0;
      const digit = ((words[entry * DUMP_ENTRY_WORDS + DUMP_ENTRY.node] ?? 0) >>> shift) & (DIGITS - 1);
      const place = places[digit] ?? 0;
      sorted[place] = entry;
      places[digit] = place + 1;
    }
  }
}
