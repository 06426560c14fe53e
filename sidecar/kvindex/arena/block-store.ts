import type { Random } from '../../core/index.ts';
import { IdTable } from './id-table.ts';
import { NodeArena } from './node-arena.ts';
import { countOnShelf, EVICTED_SHELF, type HolderState, type Shelf, ShelfRegistry } from './shelf.ts';
import { ShelfSets } from './shelf-sets.ts';
import { SizeClasses } from './size-classes.ts';
import { oldestLeaf } from './victim.ts';

/** A block to be found or added. */
export interface BlockPlace {
  readonly lo: number;
  readonly hi: number;
  /** Node of the block before it, 0 for a prompt's first block. */
  readonly parent: number;
  readonly sizeClass: number;
}

/**
 * The blocks and who holds them. A node lives as long as a shelf holds it or another node is built on it; one that
 * only carries others is a hole.
 */
export class BlockStore {
  readonly nodes = new NodeArena();
  readonly sets: ShelfSets;
  readonly shelves = new ShelfRegistry();
  readonly sizes = new SizeClasses();
  readonly #byKey = new IdTable(this.nodes.hot);
  readonly #findVictim: (spared: number, now: number) => number;
  readonly #maxBlocks: number;
  /** Further engine keys of one shelf that stand for a block it holds already, by node and shelf. Rare. */
  readonly #aliases = new Map<number, number>();
  #heldNodes = 0;
  #evictedNodes = 0;
  #evictedBlocks = 0;
  /** Stands for the time of the event being applied; wraps around. */
  #now = 0;

  constructor(options: { readonly maxBlocks: number; readonly random: Random }) {
    this.#maxBlocks = options.maxBlocks;
    this.sets = new ShelfSets(options.random);
    this.#findVictim = oldestLeaf(this.nodes, options.random);
  }

  /** Blocks dropped by the cap since the start. */
  get evictedBlocks(): number {
    return this.#evictedBlocks;
  }

  /** Dropped blocks whose entries and nodes are still there. */
  get evictedNodes(): number {
    return this.#evictedNodes;
  }

  get bytes(): number {
    return this.nodes.bytes + this.#byKey.bytes + this.sets.bytes + this.shelves.bytes;
  }

  /** Blocks held by at least one live shelf. O(1) unless holders were cleared and not swept, then O(sets). */
  countBlocks(isSweeping: boolean): number {
    return isSweeping
      ? this.#heldNodes - this.sets.references((shelf) => this.shelves.isRetired(shelf))
      : this.#heldNodes;
  }

  /** Starts a new moment; blocks found or added are as old as the moment. */
  tick(): void {
    this.#now = (this.#now + 1) | 0;
  }

  find(lo: number, hi: number): number {
    return this.#byKey.find(lo, hi);
  }

  /** Makes finding or adding the first `count` blocks quick, given the lower halves of their keys. */
  preload(lo: Int32Array, count: number): void {
    this.#byKey.preload(lo, count);
  }

  /** Node of a block, added where it is missing; 0 where the cap leaves no room for it, which is counted. */
  findOrAdd(block: BlockPlace): number {
    const known = this.#byKey.find(block.lo, block.hi);
    if (known !== 0) {
      if (this.nodes.parent(known) === 0) this.nodes.adopt(known, block.parent);
      this.nodes.touch(known, this.#now);
      return known;
    }
    while (this.nodes.live - this.#evictedNodes >= this.#maxBlocks) {
      const victim = this.#findVictim(block.parent, this.#now);
      if (victim === 0) {
        this.#evictedBlocks += 1;
        return 0;
      }
      this.#evict(victim);
    }
    const node = this.nodes.add(block, this.#now);
    this.#byKey.insert(node);
    this.sizes.countNodes(block.sizeClass, 1);
    return node;
  }

  touch(node: number): void {
    this.nodes.touch(node, this.#now);
  }

  /** Adds one engine key of a shelf that stands for a node. */
  hold(node: number, shelf: Shelf): void {
    const set = this.nodes.set(node);
    if (set !== 0 && this.sets.has(set, shelf.id)) {
      const alias = aliasKey(node, shelf);
      this.#aliases.set(alias, (this.#aliases.get(alias) ?? 0) + 1);
      return;
    }
    if (!this.#holdsElsewhere(set, shelf)) shelf.owner.blocks += 1;
    if (set === 0) this.#heldNodes += 1;
    this.nodes.putSet(node, this.sets.toggle(set, shelf.id));
    this.#count(node, shelf, 1);
  }

  /** Takes one engine key of a shelf that stood for a node away, and the node with it if nothing else needs it. */
  drop(node: number, shelf: Shelf): void {
    if (this.#aliases.size > 0 && this.#dropAlias(node, shelf)) return;
    const set = this.sets.toggle(this.nodes.set(node), shelf.id);
    this.nodes.putSet(node, set);
    if (this.nodes.isEvicted(node)) {
      if (this.sets.size(set) === 1) this.#freeEvicted(node);
      return;
    }
    if (this.shelves.live(shelf.id) === shelf) {
      this.#count(node, shelf, -1);
      if (!this.#holdsElsewhere(set, shelf)) shelf.owner.blocks -= 1;
    }
    if (set !== 0) return;
    this.#heldNodes -= 1;
    this.#freeBare(node);
  }

  /** Takes all shelves of an endpoint out of every answer at once, and returns them; their blocks are dropped later. */
  retireShelves(owner: HolderState): readonly Shelf[] {
    const { shelves } = owner;
    for (const shelf of shelves) {
      for (const [sizeClass, blocks] of shelf.blocksByClass.entries()) {
        if (blocks > 0) this.sizes.countHeld(sizeClass, -blocks);
      }
      this.shelves.retire(shelf);
    }
    owner.shelves = [];
    owner.blocks = 0;
    owner.generation += 1;
    return shelves;
  }

  #holdsElsewhere(set: number, shelf: Shelf): boolean {
    const { shelves } = shelf.owner;
    return shelves.length > 1 && shelves.some((other) => other !== shelf && this.sets.has(set, other.id));
  }

  #count(node: number, shelf: Shelf, by: number): void {
    const sizeClass = this.nodes.sizeClass(node);
    countOnShelf(shelf, sizeClass, by);
    this.sizes.countHeld(sizeClass, by);
  }

  #dropAlias(node: number, shelf: Shelf): boolean {
    const alias = aliasKey(node, shelf);
    const others = this.#aliases.get(alias);
    if (others === undefined) return false;
    if (others === 1) this.#aliases.delete(alias);
    else this.#aliases.set(alias, others - 1);
    return true;
  }

  /** Frees a node that no shelf holds, and the holes that carried only it, unless others are built on it. */
  #freeBare(node: number): void {
    let bare = node;
    while (bare !== 0 && this.nodes.set(bare) === 0 && this.nodes.children(bare) === 0) {
      const parent = this.nodes.parent(bare);
      this.#byKey.delete(bare);
      this.sizes.countNodes(this.nodes.sizeClass(bare), -1);
      this.nodes.free(bare);
      bare = parent;
    }
  }

  #freeEvicted(node: number): void {
    this.sets.release(this.nodes.set(node));
    this.sizes.countNodes(this.nodes.sizeClass(node), -1);
    this.nodes.free(node);
    this.#evictedNodes -= 1;
  }

  /** Drops a block that nothing is built on. Its node stays, matching nothing, until its engine keys are gone. */
  #evict(node: number): void {
    const set = this.nodes.set(node);
    const start = this.sets.start(set);
    const owners = new Set<HolderState>();
    for (const id of this.sets.members.subarray(start, start + this.sets.size(set))) {
      const shelf = this.shelves.live(id);
      if (shelf === null) continue;
      this.#count(node, shelf, -1);
      owners.add(shelf.owner);
    }
    for (const owner of owners) owner.blocks -= 1;
    this.#byKey.delete(node);
    const parent = this.nodes.parent(node);
    this.nodes.markEvicted(node);
    this.nodes.putSet(node, this.sets.toggle(set, EVICTED_SHELF));
    this.#evictedNodes += 1;
    this.#evictedBlocks += 1;
    this.#heldNodes -= 1;
    if (parent !== 0) this.#freeBare(parent);
  }
}

/** Shelf numbers stay below 2 to the power of 22, nodes below 2 to the power of 26. */
const aliasKey = (node: number, shelf: Shelf): number => node * 4_194_304 + shelf.id;
