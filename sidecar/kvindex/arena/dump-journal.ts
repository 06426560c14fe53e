/** A dump that lags behind by more changes than this is given up. */
const MOST_CHANGES = 1_000_000;

/** Engine keys that changed while a dump is being written, by shelf. */
export class DumpJournal {
  readonly #changes = new Map<object, number[]>();
  #count = 0;
  #isGivenUp = false;

  /** False once the dump cannot become whole any more. */
  get isUsable(): boolean {
    return !this.#isGivenUp;
  }

  note(shelf: object, lo: number, hi: number): void {
    if (this.#isGivenUp) return;
    this.#count += 1;
    if (this.#count > MOST_CHANGES) {
      this.giveUp();
      return;
    }
    const changes = this.#changes.get(shelf);
    if (changes === undefined) this.#changes.set(shelf, [lo, hi]);
    else changes.push(lo, hi);
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#changes.clear();
  }

  /** Changed engine keys of one shelf, `[lo, hi]` pairs; one that changed twice is there twice. */
  of(shelf: object): readonly number[] {
    return this.#changes.get(shelf) ?? [];
  }
}
