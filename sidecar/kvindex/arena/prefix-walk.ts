import type { Medium } from '../../core/index.ts';
import type { BlockKeys } from '../block-keys.ts';
import type { Holder, MediumMatch } from '../port.ts';
import type { BlockStore } from './block-store.ts';
import { NODE_FIELDS, NODE_SET } from './node-arena.ts';
import { PAGE_BITS, PAGE_MASK, PAGE_RECORDS } from './record-pages.ts';

const PAGE_LENGTH = PAGE_RECORDS * NODE_FIELDS;
const LARGEST_STAMP = 2 ** 31 - 1;

/**
 * Walks a prompt's blocks in order. Where a chain lies in consecutive nodes, which is the rule, a step reads the
 * next 16 bytes and asks no table. Holders are looked at only where a block's set of shelves differs from the one
 * before.
 */
export class PrefixWalk {
  readonly #store: BlockStore;
  /** Holders that have every block so far: the first `activeCount` entries. */
  #active = new Int32Array(64);
  #activeCount = 0;
  /** Per holder, the last set it was seen in; compared with `stamp`. */
  #seen = new Int32Array(64);
  #stamp = 0;
  /** Per holder, largest weight among the media of the current set. */
  #weights = new Float64Array(64);

  constructor(store: BlockStore) {
    this.#store = store;
  }

  get bytes(): number {
    return this.#active.byteLength + this.#seen.byteLength + this.#weights.byteLength;
  }

  /** Prepares for holder numbers below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#active.length) return;
    const length = 2 ** Math.ceil(Math.log2(capacity));
    this.#active = new Int32Array(length);
    this.#seen = new Int32Array(length);
    this.#weights = new Float64Array(length);
    this.#stamp = 0;
  }

  match(keys: BlockKeys, into: Int32Array): void {
    const end = this.#walk(keys, 0, (set, block) => this.#narrow(set, block, into));
    for (let at = 0; at < this.#activeCount; at += 1) into[this.#active[at] ?? 0] = end;
  }

  matchByMedium(keys: BlockKeys, weightOf: (medium: Medium) => number, into: MediumMatch): void {
    const weightByMedium = new Map<Medium, number>();
    const lookUp = (medium: Medium): number => {
      const known = weightByMedium.get(medium);
      if (known !== undefined) return known;
      const weight = weightOf(medium);
      weightByMedium.set(medium, weight);
      return weight;
    };
    let since = 0;
    const addUp = (end: number): void => {
      for (let at = 0; at < this.#activeCount; at += 1) {
        const holder = this.#active[at] ?? 0;
        const weighted = (into.weightedBlocks[holder] ?? 0) + (this.#weights[holder] ?? 0) * (end - since);
        into.weightedBlocks[holder] = weighted;
      }
      since = end;
    };
    const end = this.#walk(keys, 0, (set, block) => {
      addUp(block);
      this.#narrow(set, block, into.blocks);
      this.#weigh(set, lookUp);
    });
    addUp(end);
    for (let at = 0; at < this.#activeCount; at += 1) into.blocks[this.#active[at] ?? 0] = end;
  }

  /** First block from number `from` on that a holder does not hold, or the number of blocks. */
  heldUntil(holder: Holder, keys: BlockKeys, from: number): number {
    return this.#walk(keys, from, (set) => {
      this.#activeCount = this.#isIn(set, holder) ? 1 : 0;
    });
  }

  /**
   * Calls `enter` at block number `first` and wherever the set changes, with holders in `active` from the blocks before.
   * Returns the block at which the walk ends because it is unknown, held by none of them, or behind the last.
   */
  #walk(keys: BlockKeys, first: number, enter: (set: number, block: number) => void): number {
    const { lo: keysLo, hi: keysHi, count } = keys;
    const { pages } = this.#store.nodes.hot;
    this.#activeCount = 0;
    let page: Int32Array | undefined;
    let offset = 0;
    let lastSet = -1;
    for (let block = first; block < count; block += 1) {
      const lo = keysLo[block] ?? 0;
      const hi = keysHi[block] ?? 0;
      offset += NODE_FIELDS;
      if (page === undefined || offset === PAGE_LENGTH || page[offset] !== lo || page[offset + 1] !== hi) {
        const node = this.#store.find(lo, hi);
        if (node === 0) return block;
        page = pages[node >>> PAGE_BITS];
        if (page === undefined) return block;
        offset = (node & PAGE_MASK) * NODE_FIELDS;
      }
      const set = page[offset + NODE_SET] ?? 0;
      if (set === lastSet) continue;
      enter(set, block);
      if (this.#activeCount === 0) return block;
      lastSet = set;
    }
    return count;
  }

  /** Keeps the active holders that are in `set` and writes `block` for the others; at block 0 all in `set` are active. */
  #narrow(set: number, block: number, into: Int32Array): void {
    const { sets, shelves } = this.#store;
    const { members } = sets;
    const { holders } = shelves;
    const active = this.#active;
    const seen = this.#seen;
    const stamp = this.#nextStamp();
    const start = sets.start(set);
    const end = start + sets.size(set);
    let count = 0;
    for (let at = start; at < end; at += 1) {
      const holder = holders[members[at] ?? 0] ?? -1;
      if (holder < 0 || seen[holder] === stamp) continue;
      seen[holder] = stamp;
      if (block === 0) active[count++] = holder;
    }
    if (block > 0) {
      for (let at = 0; at < this.#activeCount; at += 1) {
        const holder = active[at] ?? 0;
        if (seen[holder] === stamp) active[count++] = holder;
        else into[holder] = block;
      }
    }
    this.#activeCount = count;
  }

  #isIn(set: number, holder: Holder): boolean {
    const { sets, shelves } = this.#store;
    const start = sets.start(set);
    const end = start + sets.size(set);
    for (let at = start; at < end; at += 1) if (shelves.holders[sets.members[at] ?? 0] === holder) return true;
    return false;
  }

  #weigh(set: number, weightOf: (medium: Medium) => number): void {
    const { sets, shelves } = this.#store;
    for (let at = 0; at < this.#activeCount; at += 1) this.#weights[this.#active[at] ?? 0] = 0;
    const start = sets.start(set);
    for (let at = start; at < start + sets.size(set); at += 1) {
      const shelf = shelves.live(sets.members[at] ?? 0);
      if (shelf === null) continue;
      const { holder } = shelf.owner;
      this.#weights[holder] = Math.max(this.#weights[holder] ?? 0, weightOf(shelf.medium));
    }
  }

  #nextStamp(): number {
    if (this.#stamp === LARGEST_STAMP) {
      this.#seen.fill(0);
      this.#stamp = 0;
    }
    this.#stamp += 1;
    return this.#stamp;
  }
}
