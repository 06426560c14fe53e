/** Tells which pieces of a prompt may end in an added token. */
export class AddedTokenEnds {
  readonly #tokens: readonly string[];
  readonly #lastUnits: ReadonlySet<number>;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens.filter((token) => token !== '');
    this.#lastUnits = new Set(this.#tokens.map((token) => token.charCodeAt(token.length - 1)));
  }

  mayEnd(piece: string): boolean {
    return (
      this.#lastUnits.has(piece.charCodeAt(piece.length - 1)) && this.#tokens.some((token) => piece.endsWith(token))
    );
  }
}
