import { homeOf, type Shard, ShardDirectory } from './shard-directory.ts';

const { imul } = Math;

/** Int32 fields of an entry: engine key (lo, hi), then the two below. */
export const ENTRY_FIELDS = 4;
/** Field of an entry that names its node. */
export const ENTRY_NODE = 2;
/** Field of an entry that says how often its engine key is stored; 0 where the slot is free. */
export const ENTRY_COUNT = 3;

/** Spreads engine keys, which may be small or consecutive numbers, over 32 bits; the directory goes by this. */
const spread = (lo: number, hi: number): number => {
  let mixed = imul(lo ^ imul(hi ^ (hi >>> 16), 0x85ebca77), 0x9e3779b1);
  mixed = imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
};
/** A second hash, for the place within a shard. */
const spreadAgain = (hash: number): number => imul(hash ^ (hash >>> 13), 0x7feb352d);

const homeIn = (shard: Shard, hash: number): number => homeOf(spreadAgain(hash), shard.homes) * ENTRY_FIELDS;

/** Finds the slot offset of a free place for a hash; -1 when only the last slot is left, which must stay empty. */
const freeSlot = (shard: Shard, hash: number): number => {
  const { slots } = shard;
  let at = homeIn(shard, hash);
  while (slots[at + ENTRY_COUNT] !== 0) at += ENTRY_FIELDS;
  return at < slots.length - ENTRY_FIELDS ? at : -1;
};

/**
 * Engine keys of one shelf: which node each stands for and how often it is stored. 16 bytes a slot, about 26 an entry.
 * A find makes an entry current; what reads or changes the current entry must come before the next insert or delete.
 * O(1) each.
 */
export class EngineKeyTable {
  readonly #directory = new ShardDirectory({
    width: ENTRY_FIELDS,
    growth: 1.5,
    isTaken: (slots, from) => slots[from + ENTRY_COUNT] !== 0,
    hashAt: (slots, from) => spread(slots[from] ?? 0, slots[from + 1] ?? 0),
    move: (slots, from, shard) => {
      const at = freeSlot(shard, spread(slots[from] ?? 0, slots[from + 1] ?? 0));
      if (at < 0) return false;
      for (let field = 0; field < ENTRY_FIELDS; field += 1) shard.slots[at + field] = slots[from + field] ?? 0;
      return true;
    },
  });
  #entries = 0;
  #shard: Shard = this.#directory.at(0);
  #at = 0;
  /** Takes what {@link preload} read, which would be optimized away otherwise. */
  readonly #preloaded = new Int32Array(1);

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#directory.bytes;
  }

  /**
   * Reads the places of engine keys (lo, hi in turn) from memory. They lie far apart: a processor that reads one after
   * the other without needing any waits for many at once, one that looks each up waits for each.
   */
  preload(engineKeys: Int32Array): void {
    let read = 0;
    for (let at = 0; at < engineKeys.length; at += 2) {
      const hash = spread(engineKeys[at] ?? 0, engineKeys[at + 1] ?? 0);
      const shard = this.#directory.at(hash);
      read |= shard.slots[homeIn(shard, hash)] ?? 0;
    }
    this.#preloaded[0] = read;
  }

  /** Node that an engine key stands for, or 0. Makes its entry current. */
  find(lo: number, hi: number): number {
    const hash = spread(lo, hi);
    const shard = this.#directory.at(hash);
    const { slots } = shard;
    for (let at = homeIn(shard, hash); ; at += ENTRY_FIELDS) {
      if (slots[at + ENTRY_COUNT] === 0) return 0;
      if (slots[at] !== lo || slots[at + 1] !== hi) continue;
      this.#shard = shard;
      this.#at = at;
      return slots[at + ENTRY_NODE] ?? 0;
    }
  }

  /** Times the current entry is stored. */
  get count(): number {
    return this.#shard.slots[this.#at + ENTRY_COUNT] ?? 0;
  }

  /** Sets how often the current entry is stored, at least 1. */
  set count(count: number) {
    this.#shard.slots[this.#at + ENTRY_COUNT] = count;
  }

  /** Lets the current entry stand for another node. */
  set node(node: number) {
    this.#shard.slots[this.#at + ENTRY_NODE] = node;
  }

  /** Adds an entry for an engine key that has none, stored `count` times. */
  insert(entry: { readonly lo: number; readonly hi: number; readonly node: number }, count: number): void {
    const { lo, hi, node } = entry;
    const hash = spread(lo, hi);
    let shard = this.#directory.withRoom(hash);
    let at = freeSlot(shard, hash);
    while (at < 0) {
      shard = this.#directory.makeRoom(hash);
      at = freeSlot(shard, hash);
    }
    shard.slots[at] = lo;
    shard.slots[at + 1] = hi;
    shard.slots[at + ENTRY_NODE] = node;
    shard.slots[at + ENTRY_COUNT] = count;
    shard.entries += 1;
    this.#entries += 1;
  }

  /** Removes the current entry. Entries behind it move to lower offsets, never to higher ones. */
  delete(): void {
    const shard = this.#shard;
    const { slots } = shard;
    let gap = this.#at;
    for (let at = gap + ENTRY_FIELDS; slots[at + ENTRY_COUNT] !== 0; at += ENTRY_FIELDS) {
      if (homeIn(shard, spread(slots[at] ?? 0, slots[at + 1] ?? 0)) > gap) continue;
      for (let field = 0; field < ENTRY_FIELDS; field += 1) slots[gap + field] = slots[at + field] ?? 0;
      gap = at;
    }
    for (let field = 0; field < ENTRY_FIELDS; field += 1) slots[gap + field] = 0;
    shard.entries -= 1;
    this.#entries -= 1;
  }

  /**
   * The entries' arrays as they are at this moment, {@link ENTRY_FIELDS} Int32 an entry. While the table changes, an
   * array either stays in use or keeps what it held when it was replaced; entries that are not touched are found by
   * reading each array from its end to its start.
   */
  arrays(): readonly Int32Array[] {
    return this.#directory.shards().map(({ slots }) => slots);
  }
}
