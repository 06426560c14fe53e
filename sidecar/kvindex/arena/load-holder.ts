import { SidecarError } from '../../core/index.ts';
import type { KeySeed } from '../block-keys.ts';
import type { BlockStore } from './block-store.ts';
import { DUMP_ENTRY, DUMP_ENTRY_WORDS } from './dump-format.ts';
import { type DumpedEntries, readDump } from './read-dump.ts';
import type { HolderState, Shelf } from './shelf.ts';

/** Entries handled between two yields. */
const ENTRIES_PER_STEP = 4096;
/** Digits of a node number that one pass of the sort looks at. */
const DIGIT_BITS = 13;

/** Where an entry lies: section and offset of its first word. */
interface EntryList {
  readonly sections: readonly DumpedEntries[];
  /** Section of each entry. */
  readonly section: Int32Array;
  readonly offset: Int32Array;
}

const listEntries = (sections: readonly DumpedEntries[]): EntryList => {
  const count = sections.reduce((sum, { words }) => sum + words.length / DUMP_ENTRY_WORDS, 0);
  const section = new Int32Array(count);
  const offset = new Int32Array(count);
  let at = 0;
  for (const [number, { words }] of sections.entries()) {
    for (let word = 0; word < words.length; word += DUMP_ENTRY_WORDS, at += 1) {
      section[at] = number;
      offset[at] = word;
    }
  }
  return { sections, section, offset };
};

const wordAt = (list: EntryList, entry: number, word: number): number =>
  list.sections[list.section[entry] ?? 0]?.words[(list.offset[entry] ?? 0) + word] ?? 0;

/** Entry numbers in ascending order of node number (radix sort in two passes). */
function* orderByNode(list: EntryList): Generator<void, Int32Array, void> {
  const count = list.offset.length;
  let order = Int32Array.from({ length: count }, (_, entry) => entry);
  for (let shift = 0; shift < 2 * DIGIT_BITS; shift += DIGIT_BITS) {
    const digitOf = (entry: number): number =>
      (wordAt(list, entry, DUMP_ENTRY.node) >>> shift) & ((1 << DIGIT_BITS) - 1);
    const places = new Int32Array((1 << DIGIT_BITS) + 1);
    for (let at = 0; at < count; at += 1) {
      const digit = digitOf(order[at] ?? 0) + 1;
      places[digit] = (places[digit] ?? 0) + 1;
      if (at % (4 * ENTRIES_PER_STEP) === 0) yield;
    }
    for (let digit = 1; digit < places.length; digit += 1) {
      places[digit] = (places[digit] ?? 0) + (places[digit - 1] ?? 0);
    }
    const sorted = new Int32Array(count);
    for (let at = 0; at < count; at += 1) {
      const entry = order[at] ?? 0;
      const digit = digitOf(entry);
      const place = places[digit] ?? 0;
      sorted[place] = entry;
      places[digit] = place + 1;
      if (at % (4 * ENTRIES_PER_STEP) === 0) yield;
    }
    order = sorted;
  }
  return order;
}

/** The dump's node numbers that have been brought back, ascending, with their numbers here. */
class NodeMap {
  readonly #dumped: Int32Array;
  readonly #own: Int32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#dumped = new Int32Array(capacity);
    this.#own = new Int32Array(capacity);
  }

  add(dumped: number, own: number): void {
    this.#dumped[this.#count] = dumped;
    this.#own[this.#count] = own;
    this.#count += 1;
  }

  /** Own number of a dumped node, 0 where it has not been brought back. */
  get(dumped: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#dumped[middle] ?? 0) < dumped) low = middle + 1;
      else high = middle;
    }
    return this.#dumped[low] === dumped && low < this.#count ? (this.#own[low] ?? 0) : 0;
  }
}

/** Names of engine keys that changes speak of, so that entries written before are passed over. */
const changedKeys = (changes: readonly DumpedEntries[]): ReadonlySet<string> => {
  const changed = new Set<string>();
  for (const { shelf, words } of changes) {
    for (let at = 0; at < words.length; at += DUMP_ENTRY_WORDS) changed.add(`${shelf}/${words[at]}/${words[at + 1]}`);
  }
  return changed;
};

/** What a dump is loaded into. */
export interface LoadTarget {
  readonly state: HolderState;
  readonly store: BlockStore;
  /** Makes the dump's seed the index's own; false where blocks under another seed are held. */
  useSeed(seed: KeySeed): boolean;
}

/**
 * Brings a dump back. Entries go in by ascending node number of the dumped index, so that chains come to lie in
 * consecutive nodes here as they did there.
 */
export function* loadHolder(dump: Uint8Array, target: LoadTarget): Generator<void, void, void> {
  const { state, store } = target;
  const parsed = readDump(dump);
  if (state.blocks > 0) throw new SidecarError('invalid-argument', 'a dump can only be loaded into an empty endpoint');
  if (!target.useSeed(parsed.seed)) {
    throw new SidecarError('invalid-argument', 'the dump was made under another key seed');
  }
  const shelves = parsed.shelves.map(({ medium, group }) => store.shelves.shelfFor(state, medium, group));
  state.ignored.push(...parsed.ignored);
  const changed = changedKeys(parsed.changes);
  yield;
  const list = listEntries([...parsed.entries, ...parsed.changes]);
  const order = yield* orderByNode(list);
  const nodes = new NodeMap(order.length);
  store.tick();
  for (const [position, entry] of order.entries()) {
    if (position % ENTRIES_PER_STEP === 0) yield;
    const isChange = (list.section[entry] ?? 0) >= parsed.entries.length;
    const shelfNumber = list.sections[list.section[entry] ?? 0]?.shelf ?? 0;
    if (!isChange && changed.size > 0) {
      const lo = wordAt(list, entry, DUMP_ENTRY.engineLo);
      const hi = wordAt(list, entry, DUMP_ENTRY.engineHi);
      if (changed.has(`${shelfNumber}/${lo}/${hi}`)) continue;
    }
    const shelf = shelves[shelfNumber];
    if (shelf !== undefined) loadEntry(shelf, (word) => wordAt(list, entry, word), { store, nodes });
  }
}

const loadEntry = (
  shelf: Shelf,
  word: (position: number) => number,
  { store, nodes }: { readonly store: BlockStore; readonly nodes: NodeMap },
): void => {
  const lo = word(DUMP_ENTRY.engineLo);
  const hi = word(DUMP_ENTRY.engineHi);
  const count = word(DUMP_ENTRY.count);
  const sizeClass = store.sizes.classFor(word(DUMP_ENTRY.blockSize));
  if (count === 0 || sizeClass === 0 || shelf.keys.find(lo, hi) !== 0) return;
  let node = nodes.get(word(DUMP_ENTRY.node));
  if (node === 0) {
    const parent = nodes.get(word(DUMP_ENTRY.parent));
    node = store.findOrAdd({ lo: word(DUMP_ENTRY.keyLo), hi: word(DUMP_ENTRY.keyHi), parent, sizeClass });
    if (node === 0) return;
    nodes.add(word(DUMP_ENTRY.node), node);
  }
  store.hold(node, shelf);
  shelf.keys.insert({ lo, hi, node, count });
};
