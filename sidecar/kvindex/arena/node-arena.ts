import { PAGE_MASK, PAGE_RECORDS, RecordPages } from './record-pages.ts';

/** Hot fields of a node, which a match reads: block key (lo, hi), set of shelves that hold the block, parent node. */
export const NODE_FIELDS = 4;
const KEY_LO = 0;
const KEY_HI = 1;
/** Field of a node that names its set; 0: held by none. */
export const NODE_SET = 2;
const PARENT = 3;

/** Cold fields: `state` packs size class (8 bits), evicted flag (1) and number of children (23); time last stored. */
const COLD_FIELDS = 2;
const STATE = 0;
const STORED_AT = 1;

const SIZE_CLASS_MASK = 0xff;
const EVICTED = 0x100;
const CHILD_SHIFT = 9;
/** A node with this many children keeps counting as having them for ever. */
const MOST_CHILDREN = 2 ** 23 - 1;

/** Largest size class of a node; 0 marks a free one. */
export const MAX_SIZE_CLASS = SIZE_CLASS_MASK;

const CELL_BITS = 6;
const CELL_NODES = 1 << CELL_BITS;
/** Nodes kept free behind a block that begins to grow one block at a time, as in decoding. */
const GROWTH_ROOM = 8;
/** Free nodes beyond this share of all, and beyond a fixed number, are filled before new ones are opened. */
const FREE_SHARE = 0.15;
const FREE_NODES = 16_384;

/**
 * Nodes of the prefix index, one a block: 24 bytes in two paged arrays. Numbers are given out so that a block follows
 * its parent wherever that is possible, which makes walking a prompt a walk through memory. 0 means "none".
 */
export class NodeArena {
  readonly hot = new RecordPages(NODE_FIELDS);
  readonly #cold = new RecordPages(COLD_FIELDS);
  /** Taken nodes of each 64. */
  #takenInCell = new Uint8Array(PAGE_RECORDS / CELL_NODES);
  /** Nodes from here on were never used. */
  #end = 1;
  /** Where the search for free nodes below `end` goes on. */
  #cursor = 1;
  #live = 0;

  /** Taken nodes. */
  get live(): number {
    return this.#live;
  }

  /** Numbers below this have been given out at some time. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.hot.bytes + this.#cold.bytes + this.#takenInCell.byteLength;
  }

  /** Takes a free node for a block and fills it in; its set is empty and it has no children. */
  add(
    block: { readonly lo: number; readonly hi: number; readonly parent: number; readonly sizeClass: number },
    storedAt: number,
  ): number {
    const node = this.#take(block.parent);
    this.hot.set(node, KEY_LO, block.lo);
    this.hot.set(node, KEY_HI, block.hi);
    this.#cold.set(node, STATE, block.sizeClass);
    this.#cold.set(node, STORED_AT, storedAt);
    this.adopt(node, block.parent);
    const cell = node >>> CELL_BITS;
    this.#takenInCell[cell] = (this.#takenInCell[cell] ?? 0) + 1;
    this.#live += 1;
    return node;
  }

  /** Gives a node back and takes it off its parent. */
  free(node: number): void {
    this.leaveParent(node);
    this.hot.wipe(node);
    this.#cold.wipe(node);
    const cell = node >>> CELL_BITS;
    this.#takenInCell[cell] = (this.#takenInCell[cell] ?? 0) - 1;
    this.#live -= 1;
  }

  keyLo(node: number): number {
    return this.hot.get(node, KEY_LO);
  }

  keyHi(node: number): number {
    return this.hot.get(node, KEY_HI);
  }

  set(node: number): number {
    return this.hot.get(node, NODE_SET);
  }

  putSet(node: number, set: number): void {
    this.hot.set(node, NODE_SET, set);
  }

  parent(node: number): number {
    return this.hot.get(node, PARENT);
  }

  sizeClass(node: number): number {
    return this.#cold.get(node, STATE) & SIZE_CLASS_MASK;
  }

  isTaken(node: number): boolean {
    return this.sizeClass(node) !== 0;
  }

  isEvicted(node: number): boolean {
    return (this.#cold.get(node, STATE) & EVICTED) !== 0;
  }

  children(node: number): number {
    return this.#cold.get(node, STATE) >>> CHILD_SHIFT;
  }

  storedAt(node: number): number {
    return this.#cold.get(node, STORED_AT);
  }

  touch(node: number, storedAt: number): void {
    this.#cold.set(node, STORED_AT, storedAt);
  }

  /** Marks a node as evicted: its key matches nothing any more, its set stays until the entries for it are gone. */
  markEvicted(node: number): void {
    this.leaveParent(node);
    this.hot.set(node, KEY_LO, 0);
    this.hot.set(node, KEY_HI, 0);
    this.#cold.set(node, STATE, this.#cold.get(node, STATE) | EVICTED);
  }

  /** Makes `node`, which has no parent, a child of `parent`. */
  adopt(node: number, parent: number): void {
    if (parent === 0) return;
    this.hot.set(node, PARENT, parent);
    if (this.children(parent) < MOST_CHILDREN) this.#addChildren(parent, 1);
  }

  /** Takes a node off its parent, if it has one. */
  leaveParent(node: number): void {
    const parent = this.parent(node);
    if (parent === 0) return;
    this.hot.set(node, PARENT, 0);
    if (this.children(parent) < MOST_CHILDREN) this.#addChildren(parent, -1);
  }

  #addChildren(node: number, by: number): void {
    this.#cold.set(node, STATE, this.#cold.get(node, STATE) + by * 2 ** CHILD_SHIFT);
  }

  #take(parent: number): number {
    const next = parent + 1;
    if (parent !== 0 && next < this.#end && (next & PAGE_MASK) !== 0 && !this.isTaken(next)) return next;
    const isGrowing = parent !== 0 && next !== this.#end && this.children(parent) === 0;
    if (this.#end - this.#live > this.#end * FREE_SHARE + FREE_NODES) {
      const node = this.#findFree();
      this.#cursor = node + (isGrowing ? GROWTH_ROOM : 1);
      return node;
    }
    const node = this.#end;
    this.#open(isGrowing ? GROWTH_ROOM : 1);
    return node;
  }

  /** Next free node at or behind the cursor, going round. There is one, since a good part of all are free. */
  #findFree(): number {
    let node = this.#cursor;
    for (;;) {
      if (node >= this.#end) node = 1;
      if (this.#takenInCell[node >>> CELL_BITS] === CELL_NODES) node = ((node >>> CELL_BITS) + 1) << CELL_BITS;
      else if (this.isTaken(node)) node += 1;
      else return node;
    }
  }

  #open(nodes: number): void {
    for (let opened = 0; opened < nodes; opened += 1, this.#end += 1) {
      this.hot.ensure(this.#end);
      this.#cold.ensure(this.#end);
    }
    const cells = (this.hot.pages.length * PAGE_RECORDS) / CELL_NODES;
    if (this.#takenInCell.length < cells) {
      const grown = new Uint8Array(cells * 2);
      grown.set(this.#takenInCell);
      this.#takenInCell = grown;
    }
  }
}
