/** Something that runs for one key while it is wanted. */
export interface Followed {
  start(): void;
  stop(): void;
}

/** Keeps one running thing a wanted key: opened when the key is first wanted, stopped when it no longer is. */
export class FollowedSet<Item extends Followed> {
  readonly #open: (key: string) => Item;
  readonly #items = new Map<string, Item>();
  #isRunning = false;

  /** `open` makes the thing for a key, not yet started. */
  constructor(open: (key: string) => Item) {
    this.#open = open;
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  values(): IterableIterator<Item> {
    return this.#items.values();
  }

  /** Takes over the wanted keys. */
  follow(keys: ReadonlySet<string>): void {
    for (const [key, item] of [...this.#items]) {
      if (keys.has(key)) continue;
      item.stop();
      this.#items.delete(key);
    }
    for (const key of keys) {
      if (this.#items.has(key)) continue;
      const item = this.#open(key);
      this.#items.set(key, item);
      if (this.#isRunning) item.start();
    }
  }

  /** Starts all, and from here on each that is opened. */
  start(): void {
    this.#isRunning = true;
    for (const item of this.#items.values()) item.start();
  }

  stop(): void {
    this.#isRunning = false;
    for (const item of this.#items.values()) item.stop();
  }
}
