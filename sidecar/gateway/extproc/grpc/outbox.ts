import type { Writable } from 'node:stream';

const prefixBytes = 5;

// Below this a copy costs less than one more buffer on its way through the stream.
const copiedTailBytes = 8_192;
const firstFramesBytes = 512;

/**
 * Messages on their way out, framed (gRPC over HTTP2, "Length-Prefixed-Message"). They wait until {@link flush}, so that
 * all that one chunk of the client's brings forth leaves in one write.
 */
export class Outbox {
  readonly #stream: Writable;
  /** Written before `#frames`. */
  #parts: Uint8Array[] = [];
  /** Frames that are copied together; null where there are none. */
  #frames: Buffer | null = null;
  #framesBytes = 0;
  /** Called when what waits has left. */
  #whenSent: (() => void)[] = [];

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#frames === null && this.#parts.length === 0;
  }

  /** Adds one message, given in two parts. */
  push(head: Uint8Array, tail: Uint8Array | undefined): void {
    const tailBytes = tail === undefined ? 0 : tail.length;
    const copiesTail = tailBytes <= copiedTailBytes;
    const frames = this.#reserve(prefixBytes + head.length + (copiesTail ? tailBytes : 0));
    const start = this.#framesBytes;
    frames[start] = 0;
    frames.writeUInt32BE(head.length + tailBytes, start + 1);
    frames.set(head, start + prefixBytes);
    this.#framesBytes = start + prefixBytes + head.length;
    if (tail === undefined || tailBytes === 0) return;
    if (copiesTail) {
      frames.set(tail, this.#framesBytes);
      this.#framesBytes += tailBytes;
    } else {
      this.#endFrames();
      this.#parts.push(tail);
    }
  }

  /** Calls `onSent` when all messages added so far have left; not at all where the stream breaks off before. */
  onceSent(onSent: () => void): void {
    this.#whenSent.push(onSent);
  }

  /** Writes what waits. */
  flush(): void {
    this.#endFrames();
    const parts = this.#parts;
    const last = parts.pop();
    if (last === undefined) return;
    this.#parts = [];
    if (parts.length === 0) {
      this.#writeLast(last);
      return;
    }
    this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    this.#writeLast(last);
    this.#stream.uncork();
  }

  #writeLast(part: Uint8Array): void {
    const whenSent = this.#whenSent;
    if (whenSent.length === 0) {
      this.#stream.write(part);
      return;
    }
    this.#whenSent = [];
    this.#stream.write(part, (failure) => {
      if (failure === null || failure === undefined) for (const onSent of whenSent) onSent();
    });
  }

  #reserve(bytes: number): Buffer {
    const frames = this.#frames;
    const needed = this.#framesBytes + bytes;
    if (frames !== null && needed <= frames.length) return frames;
    const larger = Buffer.allocUnsafe(Math.max(firstFramesBytes, needed, (frames?.length ?? 0) * 2));
    frames?.copy(larger, 0, 0, this.#framesBytes);
    this.#frames = larger;
    return larger;
  }

  #endFrames(): void {
    if (this.#frames === null) return;
    this.#parts.push(this.#frames.subarray(0, this.#framesBytes));
    this.#frames = null;
    this.#framesBytes = 0;
  }
}
