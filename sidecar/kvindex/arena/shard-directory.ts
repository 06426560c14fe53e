const { floor, ceil } = Math;

/** Part of a hash table: linear probing over Int32 slots, for all entries whose hash begins with the same bits. */
export interface Shard {
  slots: Int32Array;
  /** Slots that are some hash's home; those behind take what probing pushes past the end, so that it never wraps. */
  homes: number;
  entries: number;
  /** How many bits its hashes share. */
  depth: number;
}

/** A shard splits beyond this many entries; rebuilding one then takes well under a millisecond. */
const SPLIT_ENTRIES = 8192;
/** Beyond this depth shards only grow; hashes that agree in so many bits are not random. */
const MAX_DEPTH = 20;
/** Share of a shard's homes that may be taken before it grows. */
const FULLEST = 0.7;
const SPARE_SLOTS = 32;
const FEWEST_HOMES = 16;

/** Where a hash table's entries live and how they are moved; one shard's slots hold `width` Int32 an entry. */
export interface ShardLayout {
  readonly width: number;
  /** How many times the homes that its entries need a rebuilt shard gets: room against the cost of moving. */
  readonly growth: number;
  /** Copies the entry at `from` of `slots` to its place in `shard`; false when the shard's spare slots are used up. */
  move(slots: Int32Array, from: number, shard: Shard): boolean;
  /** Hash whose highest bits choose the shard of the entry at `from`. */
  hashAt(slots: Int32Array, from: number): number;
  isTaken(slots: Int32Array, from: number): boolean;
}

/**
 * Spreads a hash table over shards that grow and split one at a time (extendible hashing): growth never moves more than
 * one shard's entries.
 */
export class ShardDirectory {
  readonly #layout: ShardLayout;
  #entries: Shard[];
  /** Bits that tell directory entries apart. */
  #depth = 0;
  #bytes: number;

  constructor(layout: ShardLayout) {
    this.#layout = layout;
    const first = newShard(FEWEST_HOMES, { width: layout.width, depth: 0 });
    this.#entries = [first];
    this.#bytes = first.slots.byteLength;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The shard for a hash, by its highest bits. */
  at(hash: number): Shard {
    // Two shifts, since one by 32 would be none.
    const shard = this.#entries[(hash >>> 1) >>> (31 - this.#depth)];
    if (shard === undefined) throw new RangeError('directory does not cover its hashes');
    return shard;
  }

  /** Every shard once, in order of hash. */
  shards(): Shard[] {
    return this.#entries.filter((shard, position, all) => position === 0 || shard !== all[position - 1]);
  }

  /** The shard for a hash, with room for one entry more unless its neighbourhood is crowded (see {@link makeRoom}). */
  withRoom(hash: number): Shard {
    const shard = this.at(hash);
    return shard.entries < shard.homes * FULLEST ? shard : this.makeRoom(hash);
  }

  /** Grows or splits the shard for a hash; returns the one that is there for it afterwards. */
  makeRoom(hash: number): Shard {
    const full = this.at(hash);
    if (full.entries >= SPLIT_ENTRIES && full.depth < MAX_DEPTH) this.#split(full, hash);
    else this.#grow(full);
    return this.at(hash);
  }

  #grow(full: Shard): void {
    let { homes } = full;
    let grown: Shard;
    do {
      homes = ceil(homes * (homes < 1024 ? 2 : this.#layout.growth));
      grown = newShard(homes, { width: this.#layout.width, depth: full.depth });
    } while (!this.#moveAll(full, grown, grown));
    this.#bytes += grown.slots.byteLength - full.slots.byteLength;
    full.slots = grown.slots;
    full.homes = grown.homes;
  }

  #split(full: Shard, hash: number): void {
    const depth = full.depth + 1;
    let homes = ceil((full.entries / 2 / FULLEST) * this.#layout.growth);
    let low: Shard;
    let high: Shard;
    do {
      low = newShard(homes, { width: this.#layout.width, depth });
      high = newShard(homes, { width: this.#layout.width, depth });
      homes *= 2;
    } while (!this.#moveAll(full, low, high));
    if (full.depth === this.#depth) {
      this.#entries = this.#entries.flatMap((shard) => [shard, shard]);
      this.#depth += 1;
    }
    const span = 2 ** (this.#depth - full.depth);
    const position = (hash >>> 1) >>> (31 - this.#depth);
    const first = position - (position % span);
    this.#entries.fill(low, first, first + span / 2);
    this.#entries.fill(high, first + span / 2, first + span);
    this.#bytes += low.slots.byteLength + high.slots.byteLength - full.slots.byteLength;
  }

  /** Moves all entries to `low` or, where the next bit of their hash is 1, to `high`; false when one had no place. */
  #moveAll(from: Shard, low: Shard, high: Shard): boolean {
    const { width, move, hashAt, isTaken } = this.#layout;
    const nextBit = 1 << (31 - from.depth);
    const { slots } = from;
    for (let at = 0; at < slots.length; at += width) {
      if (!isTaken(slots, at)) continue;
      const target = low === high || (hashAt(slots, at) & nextBit) === 0 ? low : high;
      if (!move(slots, at, target)) return false;
      target.entries += 1;
    }
    return true;
  }
}

const newShard = (homes: number, options: { readonly width: number; readonly depth: number }): Shard => ({
  slots: new Int32Array((homes + SPARE_SLOTS) * options.width),
  homes,
  entries: 0,
  depth: options.depth,
});

/** First slot to try for a hash; hashes in ascending order have homes in ascending order. */
export const homeOf = (hash: number, homes: number): number => floor(((hash >>> 0) * homes) / 4294967296);
