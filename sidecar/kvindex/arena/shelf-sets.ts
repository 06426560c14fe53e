import type { Random } from '../../core/index.ts';
import { IdTable, MAX_ID } from './id-table.ts';
import { RecordPages } from './record-pages.ts';

const { floor, clz32, ceil, log2 } = Math;

const FIELDS = 4;
const HASH_LO = 0;
const HASH_HI = 1;
/** Nodes that have this set. */
const REFERENCES = 2;
/** Where the members begin in `members`. */
const START = 3;

const randomInt32 = (random: Random): number => floor(random() * 4294967296) | 0;

/**
 * Interned sets of shelf numbers: equal sets have one number, so that a block's holders are one Int32 and two blocks
 * with the same holders are told by comparing two numbers. Set 0 is empty. A set's hash is the exclusive or of random
 * 64-bit words, one a shelf (Zobrist hashing), so that adding or taking out a shelf finds the resulting set at once.
 * Sets are counted by the nodes that have them and their numbers used again.
 */
export class ShelfSets {
  readonly #records = new RecordPages(FIELDS);
  readonly #bySet = new IdTable(this.#records);
  readonly #random: Random;
  /** Random words of each shelf, lo and hi. */
  #words: Int32Array = new Int32Array(64);
  #wordsKnown = 0;
  /** Number of members of each set. */
  #sizes: Int32Array = new Int32Array(64);
  #members: Int32Array = new Int32Array(256);
  #membersUsed = 0;
  /** Free stretches of `members`, by the binary logarithm of their length. */
  readonly #freeStretches: number[][] = [];
  readonly #freeSets: number[] = [];
  #nextSet = 1;
  #live = 0;
  /** The last change, since blocks of one event mostly share it: from this set, by this shelf, to that set. */
  #lastFrom = -1;
  #lastShelf = -1;
  #lastTo = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Distinct sets in use. */
  get live(): number {
    return this.#live;
  }

  get bytes(): number {
    const arrays = this.#words.byteLength + this.#sizes.byteLength + this.#members.byteLength;
    return arrays + this.#records.bytes + this.#bySet.bytes;
  }

  /** Members of all sets; a set's own are `size(set)` entries from `start(set)`, ascending. */
  get members(): Int32Array {
    return this.#members;
  }

  start(set: number): number {
    return this.#records.get(set, START);
  }

  size(set: number): number {
    return this.#sizes[set] ?? 0;
  }

  /** O(log members). */
  has(set: number, shelf: number): boolean {
    const place = this.#placeOf(set, shelf);
    return place < this.#end(set) && this.#members[place] === shelf;
  }

  /**
   * Puts a shelf into one node's set, or takes it out if it is in there, and returns the node's new set. The caller
   * stores the returned number in the place of `set`. O(1) for a set that exists already, else O(members).
   */
  toggle(set: number, shelf: number): number {
    const to = set === this.#lastFrom && shelf === this.#lastShelf ? this.#lastTo : this.#findToggled(set, shelf);
    this.#lastFrom = set;
    this.#lastShelf = shelf;
    this.#lastTo = to;
    if (to !== 0) this.#records.set(to, REFERENCES, this.#records.get(to, REFERENCES) + 1);
    this.release(set);
    return to;
  }

  /** Says that one node less has this set. */
  release(set: number): void {
    if (set === 0) return;
    const references = this.#records.get(set, REFERENCES) - 1;
    this.#records.set(set, REFERENCES, references);
    if (references === 0) this.#free(set);
  }

  /** Number of nodes whose set has members that all satisfy `isGone`. O(sets in use). */
  references(isGone: (shelf: number) => boolean): number {
    let nodes = 0;
    for (let set = 1; set < this.#nextSet; set += 1) {
      const start = this.start(set);
      const members = this.#members.subarray(start, start + this.size(set));
      if (members.length > 0 && members.every(isGone)) nodes += this.#records.get(set, REFERENCES);
    }
    return nodes;
  }

  #end(set: number): number {
    return this.start(set) + this.size(set);
  }

  /** Where `shelf` is or would be among the members of `set`. */
  #placeOf(set: number, shelf: number): number {
    let low = this.start(set);
    let high = this.#end(set);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#members[middle] ?? 0) < shelf) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #findToggled(set: number, shelf: number): number {
    this.#learnWords(shelf);
    const lo = this.#records.get(set, HASH_LO) ^ (this.#words[shelf * 2] ?? 0);
    const hi = this.#records.get(set, HASH_HI) ^ (this.#words[shelf * 2 + 1] ?? 0);
    const wasIn = this.has(set, shelf);
    if (wasIn && this.size(set) === 1) return 0;
    const known = this.#bySet.find(lo, hi);
    return known === 0 ? this.#create(set, { lo, hi, shelf, wasIn }) : known;
  }

  #create(
    from: number,
    change: { readonly lo: number; readonly hi: number; readonly shelf: number; readonly wasIn: boolean },
  ): number {
    const { lo, hi, shelf, wasIn } = change;
    const set = this.#freeSets.pop() ?? this.#nextSet++;
    if (set > MAX_ID) throw new RangeError('too many distinct sets of holders');
    this.#records.ensure(set);
    this.#sizes = grownToHold(this.#sizes, set + 1);
    const size = this.size(from) + (wasIn ? -1 : 1);
    const start = this.#takeStretch(size);
    const place = this.#placeOf(from, shelf);
    const before = place - this.start(from);
    const members = this.#members;
    members.copyWithin(start, this.start(from), place);
    if (!wasIn) members[start + before] = shelf;
    members.copyWithin(start + before + (wasIn ? 0 : 1), place + (wasIn ? 1 : 0), this.#end(from));
    this.#records.set(set, HASH_LO, lo);
    this.#records.set(set, HASH_HI, hi);
    this.#records.set(set, START, start);
    this.#sizes[set] = size;
    this.#bySet.insert(set);
    this.#live += 1;
    return set;
  }

  #free(set: number): void {
    this.#bySet.delete(set);
    const stretches = this.#stretchesFor(this.size(set));
    stretches.push(this.start(set));
    this.#records.wipe(set);
    this.#sizes[set] = 0;
    this.#freeSets.push(set);
    this.#live -= 1;
    if (set === this.#lastFrom || set === this.#lastTo) this.#lastFrom = -1;
  }

  #stretchesFor(size: number): number[] {
    const order = 32 - clz32(size - 1);
    while (this.#freeStretches.length <= order) this.#freeStretches.push([]);
    return this.#freeStretches[order] ?? [];
  }

  /** Room for `size` members, rounded up to a power of two. */
  #takeStretch(size: number): number {
    const free = this.#stretchesFor(size).pop();
    if (free !== undefined) return free;
    const start = this.#membersUsed;
    this.#membersUsed += 2 ** (32 - clz32(size - 1));
    this.#members = grownToHold(this.#members, this.#membersUsed);
    return start;
  }

  #learnWords(shelf: number): void {
    this.#words = grownToHold(this.#words, shelf * 2 + 2);
    for (; this.#wordsKnown <= shelf; this.#wordsKnown += 1) {
      this.#words[this.#wordsKnown * 2] = randomInt32(this.#random);
      this.#words[this.#wordsKnown * 2 + 1] = randomInt32(this.#random);
    }
  }
}

const grownToHold = (array: Int32Array, length: number): Int32Array => {
  if (array.length >= length) return array;
  const grown = new Int32Array(2 ** ceil(log2(length)));
  grown.set(array);
  return grown;
};
