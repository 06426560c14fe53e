import { SidecarError } from '../../core/index.ts';
import type { KeySeed } from '../block-keys.ts';
import { MOST_SHELVES } from '../store-rules.ts';
import type { BlockStore } from './block-store.ts';
import { DUMP_ENTRY, DUMP_ENTRY_WORDS } from './dump-format.ts';
import { EntryList } from './entry-list.ts';
import { type DumpedEntries, readDump } from './read-dump.ts';
import type { HolderState } from './shelf.ts';

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
  const shelves = parsed.shelves.map(({ medium, group }) => store.shelves.shelfFor(state, medium, group));
  const shelfOfSection = [...parsed.entries, ...parsed.changes].map(({ shelf }) => shelf);
  const changed = changedKeys(parsed.changes);
  const nodes = new NodeMap(order.length);
  state.ignored.push(...parsed.ignored);
  store.tick();
  for (let position = 0; position < order.length; position += 1) {
    if (position % ENTRIES_PER_STEP === 0) yield;
    const entry = order[position] ?? 0;
    const section = list.section(entry);
    const shelfNumber = shelfOfSection[section] ?? 0;
    const lo = list.word(entry, DUMP_ENTRY.engineLo);
    const hi = list.word(entry, DUMP_ENTRY.engineHi);
    const count = list.word(entry, DUMP_ENTRY.count);
    const isOutdated =
      section < parsed.entries.length && changed.size > 0 && changed.has(changeName(shelfNumber, lo, hi));
    const shelf = shelves[shelfNumber];
    if (shelf === undefined || count === 0 || isOutdated || shelf.keys.find(lo, hi) !== 0) continue;
    const node = bringBack(list, entry, { store, nodes });
    if (node === 0) continue;
    store.hold(node, shelf);
    shelf.keys.insert({ lo, hi, node }, count);
  }
}

/** The block of an entry, added where no entry before had it; 0 where there is no room for it. */
const bringBack = (
  list: EntryList,
  entry: number,
  { store, nodes }: { readonly store: BlockStore; readonly nodes: NodeMap },
): number => {
  const dumped = list.word(entry, DUMP_ENTRY.node);
  const known = nodes.get(dumped);
  if (known !== 0) return known;
  const sizeClass = store.sizes.classFor(list.word(entry, DUMP_ENTRY.blockSize));
  if (sizeClass === 0) return 0;
  const node = store.findOrAdd({
    lo: list.word(entry, DUMP_ENTRY.keyLo),
    hi: list.word(entry, DUMP_ENTRY.keyHi),
    parent: nodes.get(list.word(entry, DUMP_ENTRY.parent)),
    sizeClass,
  });
  if (node !== 0) nodes.add(dumped, node);
  return node;
};

const changeName = (shelf: number, lo: number, hi: number): string => `${shelf}/${lo}/${hi}`;

/** Names of the engine keys that changes speak of; entries written before say nothing of them any more. */
const changedKeys = (changes: readonly DumpedEntries[]): ReadonlySet<string> => {
  const changed = new Set<string>();
  for (const { shelf, words } of changes) {
    for (let at = 0; at < words.length; at += DUMP_ENTRY_WORDS) {
      changed.add(changeName(shelf, words[at + DUMP_ENTRY.engineLo] ?? 0, words[at + DUMP_ENTRY.engineHi] ?? 0));
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
    if (this.#count > 0 && this.#dumped[this.#count - 1] === dumped) return this.#own[this.#count - 1] ?? 0;
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
