import type { EndpointId, Medium } from '../../core/index.ts';
import type { Holder } from '../port.ts';
import type { DumpJournal } from './dump-journal.ts';
import { EngineKeyTable } from './engine-key-table.ts';

/** What tells an endpoint's shelves apart. */
export interface ShelfName {
  readonly medium: Medium;
  readonly group: number;
}

/** One endpoint's blocks on one medium in one KV-cache group: the unit that engines count copies in. */
export interface Shelf extends ShelfName {
  readonly id: number;
  readonly owner: HolderState;
  readonly keys: EngineKeyTable;
  /** Blocks held, by size class. */
  blocksByClass: Int32Array;
}

/** What the index keeps of one endpoint. */
export interface HolderState {
  readonly holder: Holder;
  readonly endpoint: EndpointId;
  /** Blocks held on any shelf, each counted once. */
  blocks: number;
  shelves: Shelf[];
  /** Media and groups in which stores were ignored. */
  readonly ignored: ShelfName[];
  /** Told of every engine key that changes; null while no dump is being made. */
  journal: DumpJournal | null;
  /** Grows when the endpoint's shelves are thrown away. */
  generation: number;
}

const DEAD = -1;
/** Shelf number that marks the sets of evicted nodes; belongs to no holder and is never retired. */
export const EVICTED_SHELF = 0;

/**
 * Numbers shelves. Throwing an endpoint's blocks away retires its shelves at once; their numbers are free again only
 * when no node's set has them any more.
 */
export class ShelfRegistry {
  /** Live shelves by number; null where the number is free, its shelf is retired, or it is {@link EVICTED_SHELF}. */
  readonly #shelves: (Shelf | null)[] = [null];
  readonly #freeIds: number[] = [];
  /** Media of the live shelves; null where a shelf came or went since they were last asked for. */
  #media: readonly Medium[] | null = null;
  /** Holder of each shelf number, -1 where there is none. */
  #holders = new Int32Array(64).fill(DEAD);

  /** Holder of each shelf number, -1 for retired shelves. Replaced when it grows. */
  get holders(): Int32Array {
    return this.#holders;
  }

  get bytes(): number {
    return this.#holders.byteLength;
  }

  /** Whether a shelf with this number was retired. */
  isRetired(id: number): boolean {
    return id !== EVICTED_SHELF && this.live(id) === null;
  }

  /** Shelf with this number; null for a retired one. */
  live(id: number): Shelf | null {
    return this.#shelves[id] ?? null;
  }

  /** All live shelves. */
  liveShelves(): readonly Shelf[] {
    return this.#shelves.filter((shelf) => shelf !== null);
  }

  /** Media of the live shelves, in alphabetical order; the same array until they change. */
  media(): readonly Medium[] {
    this.#media ??= Object.freeze([...new Set(this.liveShelves().map(({ medium }) => medium))].sort());
    return this.#media;
  }

  /** The endpoint's shelf for a medium and group, made where it is missing. */
  shelfFor(owner: HolderState, medium: Medium, group: number): Shelf {
    const known = findShelf(owner, medium, group);
    if (known !== undefined) return known;
    const id = this.#freeIds.pop() ?? this.#shelves.length;
    const shelf: Shelf = { id, owner, medium, group, keys: new EngineKeyTable(), blocksByClass: new Int32Array(2) };
    if (id >= this.#holders.length) {
      const grown = new Int32Array(this.#holders.length * 2).fill(DEAD);
      grown.set(this.#holders);
      this.#holders = grown;
    }
    this.#shelves[id] = shelf;
    this.#media = null;
    this.#holders[id] = owner.holder;
    owner.shelves.push(shelf);
    return shelf;
  }

  /** Takes a shelf out of every answer; what it held is given back later. */
  retire(shelf: Shelf): void {
    this.#shelves[shelf.id] = null;
    this.#media = null;
    this.#holders[shelf.id] = DEAD;
  }

  /** Lets a retired shelf's number be used again. */
  forget(shelf: Shelf): void {
    this.#freeIds.push(shelf.id);
  }
}

/** Whether stores were ignored on an endpoint's medium and group. */
export const isIgnored = (owner: HolderState, name: ShelfName): boolean =>
  owner.ignored.some(({ medium, group }) => medium === name.medium && group === name.group);

/** The endpoint's shelf for a medium and group, if it has one. */
export const findShelf = (owner: HolderState, medium: Medium, group: number): Shelf | undefined =>
  owner.shelves.find((shelf) => shelf.medium === medium && shelf.group === group);

/** Adds to the number of blocks of one size class on a shelf. */
export const countOnShelf = (shelf: Shelf, sizeClass: number, by: number): void => {
  if (sizeClass >= shelf.blocksByClass.length) {
    const grown = new Int32Array(sizeClass + 1);
    grown.set(shelf.blocksByClass);
    shelf.blocksByClass = grown;
  }
  shelf.blocksByClass[sizeClass] = (shelf.blocksByClass[sizeClass] ?? 0) + by;
};
