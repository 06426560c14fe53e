/** Live batches that wait until what comes before them is there. Bounded in number and bytes. */
export class LiveQueue {
  readonly #payloads = new Map<number, Uint8Array>();
  readonly #maxBatches: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(options: { readonly maxBatches: number; readonly maxBytes: number }) {
    this.#maxBatches = options.maxBatches;
    this.#maxBytes = options.maxBytes;
  }

  get size(): number {
    return this.#payloads.size;
  }

  has(sequence: number): boolean {
    return this.#payloads.has(sequence);
  }

  /** Keeps a batch; false when the queue is full, in which case it must be fetched by a later replay. */
  push(sequence: number, payload: Uint8Array): boolean {
    if (this.#payloads.has(sequence)) return true;
    if (this.#payloads.size >= this.#maxBatches || this.#bytes + payload.length > this.#maxBytes) return false;
    this.#payloads.set(sequence, payload);
    this.#bytes += payload.length;
    return true;
  }

  take(sequence: number): Uint8Array | null {
    const payload = this.#payloads.get(sequence);
    if (payload === undefined) return null;
    this.#payloads.delete(sequence);
    this.#bytes -= payload.length;
    return payload;
  }

  /** Every batch kept, in order of arrival. */
  entries(): Iterable<readonly [sequence: number, payload: Uint8Array]> {
    return this.#payloads;
  }

  /** Lowest number kept, null when empty. O(size). */
  lowest(): number | null {
    let lowest: number | null = null;
    for (const sequence of this.#payloads.keys()) if (lowest === null || sequence < lowest) lowest = sequence;
    return lowest;
  }

  /** Forgets every batch up to `sequence`. O(size). */
  dropThrough(sequence: number): void {
    for (const queued of this.#payloads.keys()) if (queued <= sequence) this.take(queued);
  }

  clear(): void {
    this.#payloads.clear();
    this.#bytes = 0;
  }
}
