import { type EndpointId, type Medium, SidecarError } from '../core/index.ts';
import type { BlockKeys, KeySeed } from './block-keys.ts';
import { absorbExtra, startChain } from './keys/block-identity.ts';
import { absorbTokens } from './keys/key-mixing.ts';
import { processKeySeed } from './keys/key-seed.ts';
import type { BlockRemoved, BlockStored, EngineKey } from './kv-event.ts';
import type { Holder, IndexStats, MediumMatch, PrefixIndex, StoreOutcome } from './port.ts';
import { isPlaceholder, MOST_SHELVES, reasonToIgnore } from './store-rules.ts';

/** A block's key as one number; clarity before speed. */
type Key = bigint;

const keyOf = (lo: number, hi: number): Key => (BigInt(hi) << 32n) | BigInt(lo >>> 0);
const loOf = (key: Key): number => Number(BigInt.asIntN(32, key));
const hiOf = (key: Key): number => Number(key >> 32n);

/** One copy on one medium and group: the block it is of, and how often the engine stored it. */
interface Copy {
  readonly key: Key;
  readonly blockSize: number;
  count: number;
}

/** An endpoint's copies on one medium in one group, by engine key. */
interface Shelf {
  readonly medium: Medium;
  readonly group: number;
  readonly copies: Map<Key, Copy>;
}

interface HolderState {
  readonly endpoint: EndpointId;
  shelves: Shelf[];
  readonly ignored: Set<string>;
}

/** The block reached by an event: its key, and its block size where there is a block. */
interface Reached {
  readonly key: Key;
  readonly blockSize: number;
}

const engineKeysOf = (event: BlockStored | BlockRemoved): readonly Key[] =>
  Array.from({ length: event.engineKeys.length >>> 1 }, (_, at) =>
    keyOf(event.engineKeys[at * 2] ?? 0, event.engineKeys[at * 2 + 1] ?? 0),
  );

const shelfName = (event: BlockStored | BlockRemoved): string => `${event.group} ${event.medium}`;

/**
 * The prefix index in Maps and Sets: what the other one must agree with, and what it is measured against. Has no cap.
 * O(blocks x holders) a match; hundreds of bytes a block on the JavaScript heap.
 */
class NaivePrefixIndex implements PrefixIndex {
  readonly keySeed: KeySeed;
  readonly #holders: (HolderState | null)[] = [];
  readonly #freeHolders: Holder[] = [];
  /** Per block, the number of copies of each holder. */
  readonly #blocks = new Map<Key, Map<Holder, number>>();

  constructor(keySeed: KeySeed) {
    this.keySeed = keySeed;
  }

  get capacity(): number {
    return this.#holders.length;
  }

  addHolder(endpoint: EndpointId): Holder {
    if (this.#holders.some((state) => state?.endpoint === endpoint)) {
      throw new SidecarError('invalid-argument', `${endpoint} is registered already`);
    }
    const holder = (this.#freeHolders.pop() ?? this.#holders.length) as Holder; // the brand's constructor
    this.#holders[holder] = { endpoint, shelves: [], ignored: new Set() };
    return holder;
  }

  removeHolder(holder: Holder): void {
    if (!this.#holders[holder]) return;
    this.clear(holder);
    this.#holders[holder] = null;
    this.#freeHolders.push(holder);
  }

  store(holder: Holder, event: BlockStored): StoreOutcome {
    const state = this.#stateOf(holder);
    const why = reasonToIgnore(event);
    const outcome: StoreOutcome = why === null ? this.#apply(holder, event) : { kind: 'ignored', why };
    if (outcome.kind === 'ignored' && state.ignored.size < MOST_SHELVES) state.ignored.add(shelfName(event));
    return outcome;
  }

  remove(holder: Holder, event: BlockRemoved): number {
    const state = this.#stateOf(holder);
    const shelf = state.shelves.find(({ medium, group }) => medium === event.medium && group === event.group);
    let unknown = 0;
    for (const engineKey of engineKeysOf(event)) {
      const copy = shelf?.copies.get(engineKey);
      if (copy === undefined) {
        unknown += 1;
        continue;
      }
      copy.count -= 1;
      if (copy.count > 0) continue;
      shelf?.copies.delete(engineKey);
      this.#removeCopy(holder, copy.key);
    }
    return state.ignored.has(shelfName(event)) ? 0 : unknown;
  }

  clear(holder: Holder): number {
    const state = this.#stateOf(holder);
    const blocks = this.blocksOf(holder);
    for (const { copies } of state.shelves) for (const copy of copies.values()) this.#removeCopy(holder, copy.key);
    state.shelves = [];
    return blocks;
  }

  match(keys: BlockKeys, into: Int32Array): void {
    into.fill(0, 0, this.capacity);
    let active: Holder[] = [];
    for (let block = 0; block < keys.count; block += 1) {
      const holders = this.#blocks.get(keyOf(keys.lo[block] ?? 0, keys.hi[block] ?? 0));
      if (holders === undefined) return;
      active = block === 0 ? [...holders.keys()] : active.filter((holder) => holders.has(holder));
      if (active.length === 0) return;
      for (const holder of active) into[holder] = block + 1;
    }
  }

  matchByMedium(keys: BlockKeys, weightOf: (medium: Medium) => number, into: MediumMatch): void {
    into.weightedBlocks.fill(0, 0, this.capacity);
    this.match(keys, into.blocks);
    this.#eachHolder((holder) => {
      for (let block = 0; block < (into.blocks[holder] ?? 0); block += 1) {
        const weights = this.mediaOf(holder, keys, block).map(weightOf);
        into.weightedBlocks[holder] = (into.weightedBlocks[holder] ?? 0) + Math.max(0, ...weights);
      }
    });
  }

  holds(holder: Holder, keys: BlockKeys, block: number): boolean {
    return this.mediaOf(holder, keys, block).length > 0;
  }

  heldUntil(holder: Holder, keys: BlockKeys, from: number): number {
    let block = from;
    while (block < keys.count && this.holds(holder, keys, block)) block += 1;
    return block;
  }

  mediaOf(holder: Holder, keys: BlockKeys, block: number): readonly Medium[] {
    if (block < 0 || block >= keys.count) return [];
    const wanted = keyOf(keys.lo[block] ?? 0, keys.hi[block] ?? 0);
    const shelves = this.#holders[holder]?.shelves ?? [];
    const holding = shelves.filter(({ copies }) => [...copies.values()].some(({ key }) => key === wanted));
    return [...new Set(holding.map(({ medium }) => medium))].sort();
  }

  blockSizes(): readonly number[] {
    const sizes = new Set<number>();
    this.#eachCopy((copy) => sizes.add(copy.blockSize));
    return [...sizes].sort((a, b) => a - b);
  }

  media(): readonly Medium[] {
    const media = new Set<Medium>();
    this.#eachHolder((_, { shelves }) => {
      for (const { medium } of shelves) media.add(medium);
    });
    return [...media].sort();
  }

  blocksOf(holder: Holder): number {
    const keys = new Set<Key>();
    for (const { copies } of this.#holders[holder]?.shelves ?? []) for (const { key } of copies.values()) keys.add(key);
    return keys.size;
  }

  stats(): IndexStats {
    let pairs = 0;
    let holders = 0;
    this.#eachHolder((holder) => {
      pairs += this.blocksOf(holder);
      holders += 1;
    });
    return { blocks: this.#blocks.size, pairs, holders, bytes: 0, evictedBlocks: 0 };
  }

  #stateOf(holder: Holder): HolderState {
    const state = this.#holders[holder];
    if (!state) throw new SidecarError('invalid-argument', `no holder has number ${holder}`);
    return state;
  }

  #eachHolder(visit: (holder: Holder, state: HolderState) => void): void {
    for (const [holder, state] of this.#holders.entries()) if (state) visit(holder as Holder, state); // its own number
  }

  #eachCopy(visit: (copy: Copy) => void): void {
    this.#eachHolder((_, { shelves }) => {
      for (const { copies } of shelves) for (const copy of copies.values()) visit(copy);
    });
  }

  #apply(holder: Holder, event: BlockStored): StoreOutcome {
    if (event.engineKeys.length === 0) return { kind: 'stored', blocks: 0, duplicates: 0 };
    const { shelves } = this.#stateOf(holder);
    const isKnown = shelves.some(({ medium, group }) => medium === event.medium && group === event.group);
    if (!isKnown && shelves.length >= MOST_SHELVES) return { kind: 'ignored', why: 'malformed' };
    return isPlaceholder(event) ? this.#attach(holder, event) : this.#storeChain(holder, event);
  }

  #storeChain(holder: Holder, event: BlockStored): StoreOutcome {
    const { blockSize, parent } = event;
    let reached: Reached | null = null;
    if (parent !== null) {
      reached = this.#findParent(holder, event, parent);
      if (reached === null) return { kind: 'orphaned' };
    }
    const shelf = this.#shelfFor(holder, event);
    let duplicates = 0;
    for (const [block, engineKey] of engineKeysOf(event).entries()) {
      const known = this.#findInGroup(holder, event, engineKey);
      reached = known ?? { key: this.#childKey(reached, event, block), blockSize };
      if (this.#addCopy(holder, shelf, { engineKey, ...reached })) duplicates += 1;
    }
    return { kind: 'stored', blocks: engineKeysOf(event).length - duplicates, duplicates };
  }

  #attach(holder: Holder, event: BlockStored): StoreOutcome {
    let known = 0;
    let duplicates = 0;
    for (const engineKey of engineKeysOf(event)) {
      const found = this.#findInGroup(holder, event, engineKey) ?? this.#findElsewhere(holder, event, engineKey);
      if (found === null) continue;
      known += 1;
      if (this.#addCopy(holder, this.#shelfFor(holder, event), { engineKey, ...found })) duplicates += 1;
    }
    if (known === 0) return { kind: 'ignored', why: 'unknown-placeholder' };
    return { kind: 'stored', blocks: known - duplicates, duplicates };
  }

  /** Key of block number `block` of an event, built on the block before it. */
  #childKey(before: Reached | null, event: BlockStored, block: number): Key {
    const { blockSize, extras, loraName, tokenIds } = event;
    const state = new Int32Array(2);
    if (before === null) {
      startChain(state, { seed: this.keySeed, blockSize, loraName });
    } else {
      state.set([loOf(before.key), hiOf(before.key)]);
    }
    absorbTokens(state, tokenIds, block * blockSize, blockSize);
    for (const extra of extras?.[block] ?? []) absorbExtra(state, extra);
    return keyOf(state[0] ?? 0, state[1] ?? 0);
  }

  #findParent(holder: Holder, event: BlockStored, parent: EngineKey): Reached | null {
    const engineKey = keyOf(parent.lo, parent.hi);
    const sameSize = ({ blockSize }: Copy): boolean => blockSize === event.blockSize;
    return this.#findInGroup(holder, event, engineKey) ?? this.#findElsewhere(holder, event, engineKey, sameSize);
  }

  /** What an engine key stands for on any medium of the event's group. All media agree on it. */
  #findInGroup(holder: Holder, event: BlockStored, engineKey: Key): Reached | null {
    const shelves = this.#stateOf(holder).shelves.filter(({ group }) => group === event.group);
    return shelves.find(({ copies }) => copies.has(engineKey))?.copies.get(engineKey) ?? null;
  }

  #findElsewhere(
    holder: Holder,
    event: BlockStored,
    engineKey: Key,
    isWanted: (copy: Copy) => boolean = () => true,
  ): Reached | null {
    for (const { group, copies } of this.#stateOf(holder).shelves) {
      const copy = copies.get(engineKey);
      if (group !== event.group && copy !== undefined && isWanted(copy)) return copy;
    }
    return null;
  }

  #shelfFor(holder: Holder, event: BlockStored): Shelf {
    const { medium, group } = event;
    const { shelves } = this.#stateOf(holder);
    const known = shelves.find((shelf) => shelf.medium === medium && shelf.group === group);
    if (known !== undefined) return known;
    const shelf: Shelf = { medium, group, copies: new Map() };
    shelves.push(shelf);
    return shelf;
  }

  /** Counts an engine key once more; true where the shelf had it already. */
  #addCopy(holder: Holder, shelf: Shelf, copy: Reached & { readonly engineKey: Key }): boolean {
    const known = shelf.copies.get(copy.engineKey);
    if (known !== undefined) {
      known.count += 1;
      return true;
    }
    shelf.copies.set(copy.engineKey, { key: copy.key, blockSize: copy.blockSize, count: 1 });
    const holders = this.#blocks.get(copy.key) ?? new Map<Holder, number>();
    holders.set(holder, (holders.get(holder) ?? 0) + 1);
    this.#blocks.set(copy.key, holders);
    return false;
  }

  #removeCopy(holder: Holder, key: Key): void {
    const holders = this.#blocks.get(key);
    const copies = holders?.get(holder) ?? 0;
    if (copies > 1) {
      holders?.set(holder, copies - 1);
      return;
    }
    holders?.delete(holder);
    if (holders?.size === 0) this.#blocks.delete(key);
  }
}

/** An empty naive index; see {@link NaivePrefixIndex}. */
export const createNaivePrefixIndex = (options: { readonly keySeed?: KeySeed } = {}): PrefixIndex =>
  new NaivePrefixIndex(options.keySeed ?? processKeySeed);
