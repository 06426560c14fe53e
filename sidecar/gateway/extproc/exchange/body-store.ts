/** A body whose length is known gets its memory at once up to this length; a longer one as it comes. */
const reservedBytes = 4_194_304;

/**
 * Keeps a body's bytes until it is decided where they go. Keeps every byte it is given, so whoever fills it stops reading
 * at a limit.
 */
export class BodyStore {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Room for the whole body, which pieces are copied to as they come, so that what they were received in is free. */
  #whole: Buffer | null = null;

  get length(): number {
    return this.#bytes;
  }

  /** Keeps a piece. `expectedBytes`: length of the body, null where it is not known. */
  push(piece: Buffer, expectedBytes: number | null): void {
    if (piece.length === 0) return;
    const needed = this.#bytes + piece.length;
    if (this.#bytes === 0 && expectedBytes !== null && needed < expectedBytes && expectedBytes <= reservedBytes) {
      this.#whole = Buffer.allocUnsafe(expectedBytes);
    }
    if (this.#whole !== null && needed <= this.#whole.length) {
      piece.copy(this.#whole, this.#bytes);
      this.#pieces = [this.#whole.subarray(0, needed)];
    } else {
      this.#whole = null;
      this.#pieces.push(piece);
    }
    this.#bytes = needed;
  }

  /** All bytes in one piece, which is kept in place of the pieces; null where there are none. */
  joined(): Buffer | null {
    const [first] = this.#pieces;
    if (first === undefined) return null;
    if (this.#pieces.length === 1) return first;
    const whole = Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [whole];
    this.#whole = null;
    return whole;
  }

  /** Keeps other bytes in place of all that came. */
  replace(bytes: Buffer): void {
    this.#pieces = [bytes];
    this.#bytes = bytes.length;
    this.#whole = null;
  }

  /** Empties the store; gives what was in it, in order. */
  take(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    this.#whole = null;
    return pieces;
  }
}
