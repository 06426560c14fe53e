import { SidecarError } from '../../core/index.ts';
import type { KeySeed } from '../block-keys.ts';
import { MOST_SHELVES } from '../store-rules.ts';
import type { BlockStore } from './block-store.ts';
import { DUMP_ENTRY, DUMP_ENTRY_WORDS } from './dump-format.ts';
import { EntryList } from './entry-list.ts';
import { type DumpedEntries, type ParsedDump, readDump } from './read-dump.ts';
import type { HolderState, Shelf } from './shelf.ts';

/** Entries brought back between two yields; few, for tables that grow by themselves tend to do so at the same time. */
const ENTRIES_PER_STEP = 64;

/** What a dump is loaded into. */
export interface LoadTarget {
  readonly state: HolderState;
  readonly store: BlockStore;
  /** Makes the dump's seed the index's own; false where blocks under another seed are held. */
  useSeed(seed: KeySeed): boolean;
}

/**
 * Brings a dump back in steps. Entries go in by ascending node number of the dumped index, so that chains come to lie
 * in consecutive nodes here as they did there.
 */
export function* loadHolder(dump: Uint8Array, target: LoadTarget): Generator<void, void, void> {
  const { state, store } = target;
  const parsed = yield* readDump(dump);
  const list = yield* EntryList.gather([...parsed.entries, ...parsed.changes]);
  const order = yield* list.byNode();
  if (state.blocks > 0) throw new SidecarError('invalid-argument', 'a dump can only be loaded into an empty endpoint');
  if (parsed.shelves.length > MOST_SHELVES || parsed.ignored.length > MOST_SHELVES) {
    throw new SidecarError('invalid-argument', 'the dump has more media and groups than an endpoint can');
  }
  if (!target.useSeed(parsed.seed)) {
    throw new SidecarError('invalid-argument', 'the dump was made under another key seed');
  }
  state.ignored.push(...parsed.ignored);
  store.tick();
  const load = new HolderLoad(parsed, { list, target });
  for (let from = 0; from < order.length; from += ENTRIES_PER_STEP) {
    yield;
    load.bringBack(order.subarray(from, from + ENTRIES_PER_STEP));
  }
}

/** Brings entries back, each as its shelf's; those that changes speak of are left to the changes. */
class HolderLoad {
  readonly #list: EntryList;
  readonly #store: BlockStore;
  readonly #nodes: NodeMap;
  /** Shelf of each section of entries, then of each section of changes. */
  readonly #shelves: readonly (Shelf | undefined)[];
  readonly #entrySections: number;
  readonly #changed: readonly ReadonlySet<string>[];

  constructor(
    { shelves, entries, changes }: ParsedDump,
    { list, target }: { readonly list: EntryList; readonly target: LoadTarget },
  ) {
    const { state, store } = target;
    const own = shelves.map(({ medium, group }) => store.shelves.shelfFor(state, medium, group));
    const changed = changedKeys(changes);
    this.#list = list;
    this.#store = store;
    this.#nodes = new NodeMap(list.length);
    this.#shelves = [...entries, ...changes].map(({ shelf }) => own[shelf]);
    this.#changed = entries.map(({ shelf }) => changed.get(shelf) ?? new Set());
    this.#entrySections = entries.length;
  }

  bringBack(order: Int32Array): void {
    const list = this.#list;
    for (let at = 0; at < order.length; at += 1) {
      const entry = order[at] ?? 0;
      const section = list.section(entry);
      const shelf = this.#shelves[section];
      const lo = list.word(entry, DUMP_ENTRY.engineLo);
      const hi = list.word(entry, DUMP_ENTRY.engineHi);
      const count = list.word(entry, DUMP_ENTRY.count);
      if (shelf === undefined || count === 0 || this.#isOutdated(section, lo, hi)) continue;
      if (shelf.keys.find(lo, hi) !== 0) continue;
      const node = this.#nodeOf(entry);
      if (node === 0) continue;
      this.#store.hold(node, shelf);
      shelf.keys.insert({ lo, hi, node }, count);
    }
  }

  #isOutdated(section: number, lo: number, hi: number): boolean {
    if (section >= this.#entrySections) return false;
    const changed = this.#changed[section];
    return changed !== undefined && changed.size > 0 && changed.has(keyName(lo, hi));
  }

  /** The block of an entry, added where no entry before had it; 0 where there is no room for it. */
  #nodeOf(entry: number): number {
    const list = this.#list;
    const dumped = list.word(entry, DUMP_ENTRY.node);
    const known = this.#nodes.get(dumped);
    if (known !== 0) return known;
    const sizeClass = this.#store.sizes.classFor(list.word(entry, DUMP_ENTRY.blockSize));
    if (sizeClass === 0) return 0;
    const node = this.#store.findOrAdd({
      lo: list.word(entry, DUMP_ENTRY.keyLo),
      hi: list.word(entry, DUMP_ENTRY.keyHi),
      parent: this.#nodes.get(list.word(entry, DUMP_ENTRY.parent)),
      sizeClass,
    });
    if (node !== 0) this.#nodes.add(dumped, node);
    return node;
  }
}

const keyName = (lo: number, hi: number): string => `${lo}/${hi}`;

/** Names of the engine keys that changes speak of, by shelf; entries written before say nothing of them any more. */
const changedKeys = (changes: readonly DumpedEntries[]): ReadonlyMap<number, ReadonlySet<string>> => {
  const changed = new Map<number, Set<string>>();
  for (const { shelf, words } of changes) {
    const names = changed.get(shelf) ?? new Set();
    changed.set(shelf, names);
    for (let at = 0; at < words.length; at += DUMP_ENTRY_WORDS) {
      names.add(keyName(words[at + DUMP_ENTRY.engineLo] ?? 0, words[at + DUMP_ENTRY.engineHi] ?? 0));
    }
  }
  return changed;
};

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
    // In a chain the wanted one is mostly the last.
    const last = this.#count === 0 ? -1 : (this.#dumped[this.#count - 1] ?? 0);
    if (last === dumped) return this.#own[this.#count - 1] ?? 0;
    if (last < dumped) return 0;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#dumped[middle] ?? 0) < dumped) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && this.#dumped[low] === dumped ? (this.#own[low] ?? 0) : 0;
  }
}
