/** Headers in the order they came, values still in bytes; names in lower case as every data plane sends them. */
export class HeaderList {
  readonly names: readonly string[];
  readonly #values: readonly Buffer[];

  constructor(names: readonly string[], values: readonly Buffer[]) {
    this.names = names;
    this.#values = values;
  }

  /** Value of a header; of several lines the first, undefined where there is none. */
  get(name: string): string | undefined {
    const position = this.names.indexOf(name);
    return position < 0 ? undefined : this.#values[position]?.toString('utf8');
  }
}
