import type { BodyLoan, BodyPool } from '../../body-pool.ts';

/** A body whose length is known gets its memory at once up to this length; a longer one as it comes. */
const reservedBytes = 4_194_304;

/** What was kept of a body. */
export interface StoredBody {
  /** In order. */
  readonly pieces: readonly Buffer[];
  /** To be called when nobody reads or sends `pieces` any more, so that other bodies get their memory. */
  readonly giveBack: () => void;
}

const nothingLent = (): void => {};

/**
 * Keeps a body's bytes until it is decided where they go. Keeps every byte it is given, so whoever fills it stops reading
 * at a limit.
 */
export class BodyStore {
  readonly #pool: BodyPool;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Room for the whole body, which pieces are copied to as they come, so that what they were received in is free. */
  #whole: Buffer | null = null;
  #loan: BodyLoan | null = null;

  constructor(pool: BodyPool) {
    this.#pool = pool;
  }

  get length(): number {
    return this.#bytes;
  }

  /** Keeps a piece. `expectedBytes`: length of the body, null where it is not known. */
  push(piece: Buffer, expectedBytes: number | null): void {
    if (piece.length === 0) return;
    const needed = this.#bytes + piece.length;
    if (this.#bytes === 0 && expectedBytes !== null && needed < expectedBytes && expectedBytes <= reservedBytes) {
      this.#loan = this.#pool.lend(expectedBytes);
      this.#whole = this.#loan.bytes;
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

  /** Empties the store; gives what was in it. */
  take(): StoredBody {
    const stored = { pieces: this.#pieces, giveBack: this.#loan?.giveBack ?? nothingLent };
    this.#pieces = [];
    this.#bytes = 0;
    this.#whole = null;
    this.#loan = null;
    return stored;
  }
}
