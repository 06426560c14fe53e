import { MAX_SIZE_CLASS } from './node-arena.ts';

/**
 * Block sizes by small numbers from 1, so that a node can keep its own in a byte, with the number of blocks of each
 * size that endpoints hold.
 */
export class SizeClasses {
  /** Block size of each class; 0 where the class is free. */
  readonly #sizes = new Int32Array(MAX_SIZE_CLASS + 1);
  /** Nodes of each class. */
  readonly #nodes = new Int32Array(MAX_SIZE_CLASS + 1);
  /** Blocks held on live shelves. */
  readonly #held = new Float64Array(MAX_SIZE_CLASS + 1);
  #inUse: readonly number[] | null = null;

  /** Class for a block size, or 0 when 255 other sizes have nodes. */
  classFor(blockSize: number): number {
    const known = this.#sizes.indexOf(blockSize, 1);
    if (known > 0) return known;
    const free = this.#nodes.indexOf(0, 1);
    if (free < 0) return 0;
    this.#sizes[free] = blockSize;
    return free;
  }

  sizeOf(sizeClass: number): number {
    return this.#sizes[sizeClass] ?? 0;
  }

  countNodes(sizeClass: number, by: number): void {
    this.#nodes[sizeClass] = (this.#nodes[sizeClass] ?? 0) + by;
  }

  countHeld(sizeClass: number, by: number): void {
    const before = this.#held[sizeClass] ?? 0;
    this.#held[sizeClass] = before + by;
    if (before === 0 || before + by === 0) this.#inUse = null;
  }

  /** Block sizes that someone holds, ascending; the same array until they change. */
  inUse(): readonly number[] {
    this.#inUse ??= Object.freeze(
      [...this.#sizes.filter((_, sizeClass) => (this.#held[sizeClass] ?? 0) > 0)].sort((a, b) => a - b),
    );
    return this.#inUse;
  }
}
