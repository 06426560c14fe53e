/**
 * Places in a prompt at which encoding can be taken up again: after so many pieces, all of whose tokens stand whatever
 * follows. Of each the last few token ids are kept, so that keys of the block that lies across can be made.
 */
export class Checkpoints {
  /** Most ids kept of a checkpoint: one less than the largest block. */
  readonly tailLength: number;
  readonly #pieces: number[] = [];
  readonly #tokens: number[] = [];
  #tails: Int32Array;

  constructor(tailLength: number) {
    this.tailLength = tailLength;
    this.#tails = new Int32Array(tailLength * 8);
  }

  get count(): number {
    return this.#pieces.length;
  }

  get bytes(): number {
    return this.#tails.byteLength + this.count * 16;
  }

  /** Forgets those behind the first `pieces` pieces. */
  keep(pieces: number): void {
    let count = this.count;
    while (count > 0 && (this.#pieces[count - 1] ?? 0) > pieces) count -= 1;
    this.#pieces.length = count;
    this.#tokens.length = count;
  }

  /** Pieces in front of the last one; 0 where there is none. */
  get pieces(): number {
    return this.#pieces.at(-1) ?? 0;
  }

  /** Tokens in front of the last one; 0 where there is none. */
  get tokens(): number {
    return this.#tokens.at(-1) ?? 0;
  }

  /** The last ids in front of the last one, {@link tailLength} of them or, near the start, all. */
  tail(): Int32Array {
    const start = Math.max(0, this.count - 1) * this.tailLength;
    return this.#tails.slice(start, start + Math.min(this.tokens, this.tailLength));
  }

  /** Adds one; `tail` as {@link tail} gives it. */
  push(pieces: number, tokens: number, tail: Int32Array): void {
    const start = this.count * this.tailLength;
    if (start + this.tailLength > this.#tails.length) {
      const grown = new Int32Array(Math.ceil(this.#tails.length * 1.5) + this.tailLength);
      grown.set(this.#tails);
      this.#tails = grown;
    }
    this.#tails.set(tail, start);
    this.#pieces.push(pieces);
    this.#tokens.push(tokens);
  }

  copy(): Checkpoints {
    const other = new Checkpoints(this.tailLength);
    other.#pieces.push(...this.#pieces);
    other.#tokens.push(...this.#tokens);
    other.#tails = this.#tails.slice();
    return other;
  }
}
