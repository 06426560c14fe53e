/** Longer pieces are text of messages; added tokens are looked for in what a template prints between them. */
const LONGEST_PIECE = 64;

/** Finds where added tokens end in the pieces of a prompt. */
export class AddedTokenEnds {
  readonly #tokens: readonly string[];
  readonly #firstUnits: readonly string[];

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens.filter((token) => token !== '');
    this.#firstUnits = [...new Set(this.#tokens.map((token) => token.charAt(0)))];
  }

  /** Behind the last added token that a piece seems to hold; 0 where it holds none, or is long. */
  lastIn(piece: string): number {
    if (piece.length > LONGEST_PIECE || !this.#firstUnits.some((unit) => piece.includes(unit))) return 0;
    let last = 0;
    for (const token of this.#tokens) {
      const at = piece.lastIndexOf(token);
      if (at >= 0 && at + token.length > last) last = at + token.length;
    }
    return last;
  }
}
