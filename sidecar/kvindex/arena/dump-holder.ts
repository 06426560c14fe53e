import { SidecarError } from '../../core/index.ts';
import type { KeySeed } from '../block-keys.ts';
import type { BlockStore } from './block-store.ts';
import { DUMP_MAGIC, DUMP_VERSION, SECTION, SHELF_EXISTS, SHELF_IGNORED } from './dump-format.ts';
import { DumpJournal } from './dump-journal.ts';
import { ENTRY_COUNT, ENTRY_FIELDS, ENTRY_NODE } from './engine-key-table.ts';
import { SectionWriter } from './section-writer.ts';
import type { HolderState, Shelf, ShelfName } from './shelf.ts';

/** Int32 fields of a shelf's table looked at for one piece. */
const FIELDS_PER_PIECE = 4096 * ENTRY_FIELDS;

/** Writes the dump of one endpoint; the format is described in dump-format.ts. */
class HolderDump {
  readonly #state: HolderState;
  readonly #store: BlockStore;
  readonly #writer = new SectionWriter();
  #entries = 0;

  constructor(state: HolderState, store: BlockStore) {
    this.#state = state;
    this.#store = store;
  }

  head(seed: KeySeed): Uint8Array {
    return new Uint8Array(Int32Array.of(DUMP_MAGIC, DUMP_VERSION, seed.lo, seed.hi).buffer);
  }

  shelf(name: ShelfName, flags: number): Uint8Array {
    this.#writer.push(flags);
    this.#writer.push(name.group);
    for (let at = 0; at < name.medium.length; at += 1) this.#writer.push(name.medium.charCodeAt(at));
    return this.#writer.finish(SECTION.shelf);
  }

  /** Entries of a shelf's table between two offsets, from the end to the start. */
  entries(shelfNumber: number, array: Int32Array, range: { readonly start: number; readonly end: number }): Uint8Array {
    this.#writer.push(shelfNumber);
    for (let at = range.end - ENTRY_FIELDS; at >= range.start; at -= ENTRY_FIELDS) {
      const node = array[at + ENTRY_NODE] ?? 0;
      const count = array[at + ENTRY_COUNT] ?? 0;
      if (count > 0 && this.#isHeld(node)) {
        this.#writer.pushEntry(this.#store, { lo: array[at] ?? 0, hi: array[at + 1] ?? 0, node, count });
      }
    }
    this.#entries += this.#writer.entries;
    return this.#writer.finish(SECTION.entries);
  }

  /** What a shelf has now for the engine keys that changed. */
  changes(shelfNumber: number, shelf: Shelf, keys: readonly number[]): Uint8Array {
    this.#writer.push(shelfNumber);
    for (let at = 0; at < keys.length; at += 2) {
      const lo = keys[at] ?? 0;
      const hi = keys[at + 1] ?? 0;
      const node = shelf.keys.find(lo, hi);
      const isHeld = node !== 0 && this.#isHeld(node);
      this.#writer.pushEntry(this.#store, { lo, hi, node: isHeld ? node : 0, count: isHeld ? shelf.keys.count : 0 });
    }
    this.#entries += this.#writer.entries;
    return this.#writer.finish(SECTION.changes);
  }

  /** All that completes the dump: shelves made since, changed engine keys, ignored groups, end. */
  completion(shelvesWritten: number, journal: DumpJournal): Uint8Array {
    const { ignored, shelves } = this.#state;
    const sections: Uint8Array[] = [];
    for (const shelf of shelves.slice(shelvesWritten)) sections.push(this.shelf(shelf, SHELF_EXISTS));
    for (const [number, shelf] of shelves.entries()) sections.push(this.changes(number, shelf, journal.of(shelf)));
    for (const name of ignored) sections.push(this.shelf(name, SHELF_IGNORED));
    this.#writer.push(this.#entries);
    sections.push(this.#writer.finish(SECTION.end));
    return join(sections);
  }

  #isHeld(node: number): boolean {
    return this.#store.nodes.isTaken(node) && !this.#store.nodes.isEvicted(node);
  }
}

/**
 * Writes all that an endpoint holds in pieces. Tables change between two pieces, so the engine keys that change
 * meanwhile are noted, and what has become of them is written in the last piece.
 */
export function* dumpHolder(state: HolderState, store: BlockStore, seed: KeySeed): Generator<Uint8Array, void, void> {
  const { generation } = state;
  const journal = new DumpJournal();
  state.journal?.giveUp();
  state.journal = journal;
  const check = (): void => {
    if (journal.isUsable && state.generation === generation) return;
    throw new SidecarError('unavailable', 'an endpoint was cleared or changed too much while it was dumped');
  };
  try {
    const dump = new HolderDump(state, store);
    yield dump.head(seed);
    check();
    const shelves = [...state.shelves];
    const tables = shelves.map((shelf) => shelf.keys.arrays());
    for (const shelf of shelves) yield dump.shelf(shelf, SHELF_EXISTS);
    for (const [number, arrays] of tables.entries()) {
      for (const array of arrays) {
        for (let end = array.length; end > 0; end -= FIELDS_PER_PIECE) {
          check();
          yield dump.entries(number, array, { start: Math.max(0, end - FIELDS_PER_PIECE), end });
        }
      }
    }
    check();
    yield dump.completion(shelves.length, journal);
  } finally {
    if (state.journal === journal) state.journal = null;
  }
}

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
