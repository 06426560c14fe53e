const prefixBytes = 5;

/** A message that spans chunks is put together as they come up to this length; a longer one when it is whole. */
const reservedBytes = 1_048_576;

const noBytes = Buffer.alloc(0);

/** Bytes of the message whose prefix lies at `position`, prefix included. */
const neededAt = (bytes: Buffer, position: number): number => prefixBytes + bytes.readUInt32BE(position + 1);

/** Why a call's bytes cannot be read on. */
export type FrameProblem = 'compressed' | 'too-large';

/**
 * Cuts a call's bytes into messages: one byte (1: compressed), four bytes of length, big endian, then the message (gRPC
 * over HTTP2, "Length-Prefixed-Message"). A message inside one chunk is a view of it; one that spans chunks is copied once,
 * and up to 1 MiB at once, so that no chunk is kept: several calls share the memory of one. Beyond that, memory follows what
 * was received and not what was announced.
 */
export class FrameReader {
  readonly #maxMessageBytes: number;
  /** Beginning of the message that spans chunks, prefix included: in room for all of it, or, where that is long, in parts. */
  #room = noBytes;
  #parts: Buffer[] = [];
  #partialBytes = 0;
  /** Bytes of that message, prefix included; the prefix alone until its length is known. */
  #neededBytes = prefixBytes;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Whether part of a message is waiting for its rest. */
  get isWithinMessage(): boolean {
    return this.#partialBytes > 0;
  }

  /** Reads on and hands over each whole message; returns what makes the rest unreadable, null while all is well. */
  push(chunk: Buffer, onMessage: (message: Buffer) => void): FrameProblem | null {
    let position = 0;
    while (position < chunk.length) {
      if (this.#partialBytes > 0) {
        const end = Math.min(chunk.length, position + this.#neededBytes - this.#partialBytes);
        this.#keep(chunk, position, end);
        position = end;
        const problem = this.#finish(onMessage);
        if (problem !== null) return problem;
        continue;
      }
      const isLengthKnown = chunk.length - position >= prefixBytes;
      if (isLengthKnown) {
        const problem = this.#problemAt(chunk, position);
        if (problem !== null) return problem;
      }
      this.#neededBytes = isLengthKnown ? neededAt(chunk, position) : prefixBytes;
      const end = position + this.#neededBytes;
      if (isLengthKnown && end <= chunk.length) onMessage(chunk.subarray(position + prefixBytes, end));
      else this.#keep(chunk, position, chunk.length);
      position = end;
    }
    return null;
  }

  /** Hands the kept message over if it is whole, or learns its length from its prefix. */
  #finish(onMessage: (message: Buffer) => void): FrameProblem | null {
    if (this.#partialBytes === prefixBytes && this.#neededBytes === prefixBytes) {
      const prefix = this.#room;
      const problem = this.#problemAt(prefix, 0);
      if (problem !== null) return problem;
      this.#neededBytes = neededAt(prefix, 0);
      this.#partialBytes = 0;
      this.#keep(prefix, 0, prefixBytes);
    }
    if (this.#partialBytes < this.#neededBytes) return null;
    const whole = this.#parts.length > 0 ? Buffer.concat(this.#parts, this.#neededBytes) : this.#room;
    this.#room = noBytes;
    this.#parts = [];
    this.#partialBytes = 0;
    onMessage(whole.subarray(prefixBytes, this.#neededBytes));
    return null;
  }

  #problemAt(bytes: Buffer, position: number): FrameProblem | null {
    if (neededAt(bytes, position) > prefixBytes + this.#maxMessageBytes) return 'too-large';
    return bytes[position] === 0 ? null : 'compressed';
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    if (this.#neededBytes > reservedBytes) this.#parts.push(chunk.subarray(start, end));
    else {
      if (this.#partialBytes === 0) this.#room = Buffer.allocUnsafe(this.#neededBytes);
      chunk.copy(this.#room, this.#partialBytes, start, end);
    }
    this.#partialBytes += end - start;
  }
}
