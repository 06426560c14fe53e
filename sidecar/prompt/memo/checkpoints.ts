/** Where in a prompt encoding can be taken up again. */
export interface Place {
  /** Pieces up to and with the one that it lies in. */
  readonly pieces: number;
  /** UTF-16 units of that piece in front of it; 0 at the prompt's start. */
  readonly offset: number;
  /** Tokens in front of it. */
  readonly tokens: number;
}

const PLACE_BYTES = 48;

const start: Place = { pieces: 0, offset: 0, tokens: 0 };

/**
 * Places in a prompt at which encoding can be taken up again, since the tokens in front stand whatever follows. Of each the
 * last few token ids are kept, so that keys of the block that lies across can be made.
 */
export class Checkpoints {
  /** Most ids kept of a checkpoint: one less than the largest block. */
  readonly tailLength: number;
  readonly #places: Place[] = [];
  #tails: Int32Array;

  constructor(tailLength: number) {
    this.tailLength = tailLength;
    this.#tails = new Int32Array(tailLength * 8);
  }

  get count(): number {
    return this.#places.length;
  }

  get bytes(): number {
    return this.#tails.byteLength + this.count * PLACE_BYTES;
  }

  /** The last place; the prompt's start where there is none. */
  get last(): Place {
    return this.#places.at(-1) ?? start;
  }

  /** Forgets places beyond the first `pieces` pieces. */
  keep(pieces: number): void {
    while (this.last.pieces > pieces) this.#places.pop();
  }

  /** How many ids in front of the last place are kept: {@link tailLength} or, near the start, all. */
  get keptIds(): number {
    return Math.min(this.last.tokens, this.tailLength);
  }

  /** Those ids, in order. */
  tail(): Int32Array {
    const from = Math.max(0, this.count - 1) * this.tailLength;
    return this.#tails.slice(from, from + this.keptIds);
  }

  /** Adds a place; `tail` as {@link tail} gives it. */
  push(place: Place, tail: Int32Array): void {
    const from = this.count * this.tailLength;
    if (from + this.tailLength > this.#tails.length) {
      const grown = new Int32Array(Math.ceil(this.#tails.length * 1.5) + this.tailLength);
      grown.set(this.#tails);
      this.#tails = grown;
    }
    this.#tails.set(tail, from);
    this.#places.push(place);
  }

  copy(): Checkpoints {
    const other = new Checkpoints(this.tailLength);
    other.#places.push(...this.#places);
    other.#tails = this.#tails.slice();
    return other;
  }
}
