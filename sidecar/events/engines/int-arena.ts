/** Integers a chunk holds: 64 KiB. */
const chunkLength = 16_384;

/**
 * Hands out Int32Arrays that are views of a few large buffers, which halves what decoding allocates: an event has a handful
 * of numbers, and an array of its own costs more than they do. Arrays longer than a quarter of a chunk are their own. A
 * chunk lives as long as anything handed out of it, so who keeps an event for long copies what it needs.
 */
export class IntArena {
  #buffer = new ArrayBuffer(4 * chunkLength);
  #used = 0;

  /** A zeroed array of `length`. */
  take(length: number): Int32Array {
    if (length > chunkLength / 4) return new Int32Array(length);
    if (this.#used + length > chunkLength) {
      this.#buffer = new ArrayBuffer(4 * chunkLength);
      this.#used = 0;
    }
    const taken = new Int32Array(this.#buffer, 4 * this.#used, length);
    this.#used += length;
    return taken;
  }
}
