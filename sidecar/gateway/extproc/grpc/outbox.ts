import type { Writable } from 'node:stream';

const prefixBytes = 5;

// Below this a copy costs less than one more buffer on its way through the stream.
const copiedTailBytes = 8_192;

/** Messages on their way out, framed, written together once the running code has finished. */
export class Outbox {
  readonly #stream: Writable;
  readonly #beforeFirst: () => void;
  #parts: Uint8Array[] = [];
  #isScheduled = false;
  #hasBegun = false;

  /** `beforeFirst` runs before the first bytes are written. */
  constructor(stream: Writable, beforeFirst: () => void) {
    this.#stream = stream;
    this.#beforeFirst = beforeFirst;
  }

  /** Whether any message was handed over. */
  get isUsed(): boolean {
    return this.#hasBegun || this.#parts.length > 0;
  }

  push(head: Uint8Array, tail: Uint8Array | undefined): void {
    const tailBytes = tail?.length ?? 0;
    const copiesTail = tailBytes <= copiedTailBytes;
    const frame = Buffer.allocUnsafe(prefixBytes + head.length + (copiesTail ? tailBytes : 0));
    frame[0] = 0;
    frame.writeUInt32BE(head.length + tailBytes, 1);
    frame.set(head, prefixBytes);
    this.#parts.push(frame);
    if (tail !== undefined && copiesTail) frame.set(tail, prefixBytes + head.length);
    else if (tail !== undefined) this.#parts.push(tail);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.flush());
  }

  /** Writes what waits. */
  flush(): void {
    this.#isScheduled = false;
    const parts = this.#parts;
    if (parts.length === 0 || this.#stream.destroyed) return;
    this.#parts = [];
    if (!this.#hasBegun) this.#beforeFirst();
    this.#hasBegun = true;
    this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    this.#stream.uncork();
  }
}
