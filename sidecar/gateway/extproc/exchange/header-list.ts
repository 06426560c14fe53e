import { isOwnedHeader } from '../../owned-headers.ts';

/** Numbers a header in {@link HeaderList}: where its name begins and ends, where its value does. */
const spanNumbers = 4;

const hyphen = 0x2d;
const lowerX = 0x78;

/**
 * Headers in the order they came, as bytes: names and values become text only when asked for. Names are in lower case, as
 * every data plane sends them.
 */
export class HeaderList {
  readonly #bytes: Buffer;
  readonly #spans: readonly number[];

  /** `spans` has four numbers a header: where in `bytes` its name begins and ends, and its value. */
  constructor(bytes: Buffer, spans: readonly number[]) {
    this.#bytes = bytes;
    this.#spans = spans;
  }

  /** Value of a header; of several lines the first, undefined where there is none. */
  get(name: string): string | undefined {
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += spanNumbers) {
      if (this.#isNamed(at, name)) return this.#bytes.toString('utf8', spans[at + 2], spans[at + 3]);
    }
    return undefined;
  }

  /** Names of the headers that only the sidecar may set. */
  ownedNames(): readonly string[] {
    const spans = this.#spans;
    const bytes = this.#bytes;
    const names: string[] = [];
    for (let at = 0; at < spans.length; at += spanNumbers) {
      const start = spans[at] ?? 0;
      if (bytes[start] !== lowerX || bytes[start + 1] !== hyphen) continue;
      const name = bytes.toString('latin1', start, spans[at + 1]);
      if (isOwnedHeader(name)) names.push(name);
    }
    return names;
  }

  #isNamed(at: number, name: string): boolean {
    const start = this.#spans[at] ?? 0;
    if ((this.#spans[at + 1] ?? 0) - start !== name.length) return false;
    for (let offset = 0; offset < name.length; offset += 1) {
      if (this.#bytes[start + offset] !== name.charCodeAt(offset)) return false;
    }
    return true;
  }
}
