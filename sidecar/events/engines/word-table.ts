/**
 * A fixed set of ASCII words that is asked with bytes: finds a field name or tag in a payload without making a string of
 * it. O(words of that length).
 */
export class WordTable<Word extends string> {
  readonly #byLength: (readonly { readonly word: Word; readonly bytes: Uint8Array }[] | undefined)[] = [];

  constructor(words: readonly Word[]) {
    for (const word of words) {
      const bytes = new TextEncoder().encode(word);
      this.#byLength[bytes.length] = [...(this.#byLength[bytes.length] ?? []), { word, bytes }];
    }
  }

  /** The word that `length` bytes at `from` spell, or null. */
  find(bytes: Uint8Array, from: number, length: number): Word | null {
    for (const candidate of this.#byLength[length] ?? []) {
      let same = 0;
      while (same < length && candidate.bytes[same] === bytes[from + same]) same += 1;
      if (same === length) return candidate.word;
    }
    return null;
  }
}
