import type { KeySeed } from '../block-keys.ts';
import { absorbExtra, startChain } from '../keys/block-identity.ts';
import { absorbTokens } from '../keys/key-mixing.ts';
import type { BlockRemoved, BlockStored, EngineKey } from '../kv-event.ts';
import type { StoreOutcome } from '../port.ts';
import type { BlockStore } from './block-store.ts';
import { findShelf, type HolderState, type Shelf } from './shelf.ts';

/** Size class that stands for any. */
const ANY_SIZE = 0;
/** Blocks whose places in memory are read ahead of storing them. */
const AHEAD_BLOCKS = 64;

/** An engine key in one KV-cache group. */
interface GroupKey extends EngineKey {
  readonly group: number;
}

/** Applies events to a block store, engine key by engine key. */
export class EventWriter {
  readonly #store: BlockStore;
  /** Key of the last block of the event being applied that was computed or found. */
  readonly #chain = new Int32Array(2);
  /** Keys of up to {@link AHEAD_BLOCKS} blocks of that event. */
  readonly #ahead = { lo: new Int32Array(AHEAD_BLOCKS), hi: new Int32Array(AHEAD_BLOCKS) };

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** Applies a stored event that carries tokens. */
  storeChain(state: HolderState, event: BlockStored, seed: KeySeed): StoreOutcome {
    const { blockSize, engineKeys, group, loraName, medium, parent } = event;
    const { shelves, sizes } = this.#store;
    const sizeClass = sizes.classFor(blockSize);
    if (sizeClass === 0) return { kind: 'ignored', why: 'malformed' };
    const chain = this.#chain;
    let node = 0;
    if (parent === null) {
      startChain(chain, { seed, blockSize, loraName });
    } else {
      node = this.#findParent(state, event, sizeClass);
      if (node === 0) return { kind: 'orphaned' };
      this.#goOnFrom(node);
    }
    const shelf = shelves.shelfFor(state, medium, group);
    const blocks = engineKeys.length >>> 1;
    let duplicates = 0;
    // Blocks from `from` to before `to` have their keys in `#ahead`.
    let from = 0;
    let to = 0;
    for (let block = 0; block < blocks; block += 1) {
      if (block % AHEAD_BLOCKS === 0) {
        shelf.keys.preload(engineKeys.subarray(block * 2, (block + AHEAD_BLOCKS) * 2));
      }
      const lo = engineKeys[block * 2] ?? 0;
      const hi = engineKeys[block * 2 + 1] ?? 0;
      const known = this.#findInGroup(state, { lo, hi, group });
      if (known === 0) {
        if (block >= to) {
          from = block;
          to = block + this.#lookAhead(event, block);
        }
        const keyLo = this.#ahead.lo[block - from] ?? 0;
        const keyHi = this.#ahead.hi[block - from] ?? 0;
        node = this.#store.findOrAdd({ lo: keyLo, hi: keyHi, parent: node, sizeClass });
        if (node === 0) return { kind: 'stored', blocks: block - duplicates, duplicates };
      } else {
        this.#goOnFrom(known);
        to = 0;
        this.#store.touch(known);
        node = known;
      }
      if (this.#addCopy(shelf, { lo, hi, node })) duplicates += 1;
      state.journal?.note(shelf, lo, hi);
    }
    return { kind: 'stored', blocks: blocks - duplicates, duplicates };
  }

  /** Applies a stored event without tokens: its engine keys stand for the blocks that other shelves know them by. */
  attach(state: HolderState, event: BlockStored): StoreOutcome {
    const { engineKeys, group, medium } = event;
    const blocks = engineKeys.length >>> 1;
    let shelf = findShelf(state, medium, group);
    let known = 0;
    let duplicates = 0;
    for (let block = 0; block < blocks; block += 1) {
      const lo = engineKeys[block * 2] ?? 0;
      const hi = engineKeys[block * 2 + 1] ?? 0;
      const key = { lo, hi, group };
      const node = this.#findInGroup(state, key) || this.#findElsewhere(state, key, ANY_SIZE);
      if (node === 0) continue;
      known += 1;
      shelf ??= this.#store.shelves.shelfFor(state, medium, group);
      this.#store.touch(node);
      if (this.#addCopy(shelf, { lo, hi, node })) duplicates += 1;
      state.journal?.note(shelf, lo, hi);
    }
    if (known === 0) return { kind: 'ignored', why: 'unknown-placeholder' };
    return { kind: 'stored', blocks: known - duplicates, duplicates };
  }

  /** Applies a removal; returns the engine keys that were unknown. */
  remove(state: HolderState, event: BlockRemoved): number {
    const { engineKeys, medium, group } = event;
    const shelf = findShelf(state, medium, group);
    const keys = engineKeys.length >>> 1;
    if (shelf === undefined) return keys;
    let unknown = 0;
    for (let at = 0; at < keys * 2; at += 2) {
      const lo = engineKeys[at] ?? 0;
      const hi = engineKeys[at + 1] ?? 0;
      const node = shelf.keys.find(lo, hi);
      if (node === 0) {
        unknown += 1;
        continue;
      }
      if (shelf.keys.count > 1) {
        shelf.keys.count -= 1;
      } else {
        shelf.keys.delete();
        this.#store.drop(node, shelf);
      }
      state.journal?.note(shelf, lo, hi);
    }
    return unknown;
  }

  /** Computes the keys of an event's blocks from number `first` on, as if none of them were known; returns how many. */
  #lookAhead({ blockSize, engineKeys, extras, tokenIds }: BlockStored, first: number): number {
    const chain = this.#chain;
    const { lo, hi } = this.#ahead;
    const count = Math.min((engineKeys.length >>> 1) - first, AHEAD_BLOCKS);
    for (let at = 0; at < count; at += 1) {
      const block = first + at;
      absorbTokens(chain, tokenIds, block * blockSize, blockSize);
      const blockExtras = extras?.[block];
      if (blockExtras) for (const extra of blockExtras) absorbExtra(chain, extra);
      lo[at] = chain[0] ?? 0;
      hi[at] = chain[1] ?? 0;
    }
    this.#store.preload(lo, count);
    return count;
  }

  /** Counts an engine key once more on a shelf, standing for `node`; true where the shelf had it already. */
  #addCopy(shelf: Shelf, copy: { readonly lo: number; readonly hi: number; readonly node: number }): boolean {
    const stored = shelf.keys.find(copy.lo, copy.hi);
    if (stored === 0) {
      this.#store.hold(copy.node, shelf);
      shelf.keys.insert(copy, 1);
      return false;
    }
    shelf.keys.count += 1;
    if (stored !== copy.node) {
      // The cap had dropped the block that this key stood for.
      shelf.keys.node = copy.node;
      this.#store.hold(copy.node, shelf);
      this.#store.drop(stored, shelf);
    }
    return true;
  }

  #findParent(state: HolderState, event: BlockStored, sizeClass: number): number {
    const { group, parent } = event;
    if (parent === null) return 0;
    const key = { lo: parent.lo, hi: parent.hi, group };
    return this.#findInGroup(state, key) || this.#findElsewhere(state, key, sizeClass);
  }

  /** Node of an engine key on any medium of its group, or 0. All media agree on it. */
  #findInGroup(state: HolderState, key: GroupKey): number {
    for (const shelf of state.shelves) {
      if (shelf.group !== key.group) continue;
      const node = shelf.keys.find(key.lo, key.hi);
      if (node !== 0 && !this.#store.nodes.isEvicted(node)) return node;
    }
    return 0;
  }

  /** Node of an engine key in another group, where its block has the wanted size, or 0. */
  #findElsewhere(state: HolderState, key: GroupKey, sizeClass: number): number {
    const { nodes } = this.#store;
    for (const shelf of state.shelves) {
      if (shelf.group === key.group) continue;
      const node = shelf.keys.find(key.lo, key.hi);
      if (node === 0 || nodes.isEvicted(node)) continue;
      if (sizeClass === ANY_SIZE || nodes.sizeClass(node) === sizeClass) return node;
    }
    return 0;
  }

  #goOnFrom(node: number): void {
    this.#chain[0] = this.#store.nodes.keyLo(node);
    this.#chain[1] = this.#store.nodes.keyHi(node);
  }
}
