/**
 * Keeps a body's bytes until it is decided where they go. Keeps every byte it is given, so whoever fills it stops reading
 * at a limit.
 */
export class BodyStore {
  #pieces: Buffer[] = [];
  #bytes = 0;

  get length(): number {
    return this.#bytes;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** All bytes in one piece, which is kept in place of the pieces; null where there are none. */
  joined(): Buffer | null {
    const [first] = this.#pieces;
    if (first === undefined) return null;
    if (this.#pieces.length === 1) return first;
    const whole = Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [whole];
    return whole;
  }

  /** Empties the store; gives what was in it, in order. */
  take(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    return pieces;
  }
}
