const prefixBytes = 5;

/** Why a call's bytes cannot be read on. */
export type FrameProblem = 'compressed' | 'too-large';

/**
 * Cuts a call's bytes into messages: one byte (1: compressed), four bytes of length, big endian, then the message (gRPC
 * over HTTP2, "Length-Prefixed-Message"). A message inside one chunk is a view of it; one that spans chunks is copied
 * once, when it is complete, so that memory follows what was received and not what was announced.
 */
export class FrameReader {
  readonly #maxMessageBytes: number;
  readonly #onMessage: (message: Buffer) => void;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Bytes needed, prefix included, before the next message can be cut; the prefix alone where its length is unknown. */
  #neededBytes = prefixBytes;

  constructor(options: { readonly maxMessageBytes: number; readonly onMessage: (message: Buffer) => void }) {
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#onMessage = options.onMessage;
  }

  /** Whether part of a message is waiting for its rest. */
  get isWithinMessage(): boolean {
    return this.#waitingBytes > 0;
  }

  /** Reads on; returns what makes the rest unreadable, null while all is well. */
  push(chunk: Buffer): FrameProblem | null {
    if (this.#waitingBytes + chunk.length < this.#neededBytes) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      return null;
    }
    let bytes = chunk;
    if (this.#waitingBytes > 0) {
      this.#waiting.push(chunk);
      bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    return this.#cut(bytes);
  }

  #cut(bytes: Buffer): FrameProblem | null {
    let position = 0;
    while (bytes.length - position >= prefixBytes) {
      const length = bytes.readUInt32BE(position + 1);
      if (length > this.#maxMessageBytes) return 'too-large';
      if (bytes[position] !== 0) return 'compressed';
      this.#neededBytes = prefixBytes + length;
      if (bytes.length - position < this.#neededBytes) break;
      const end = position + this.#neededBytes;
      this.#neededBytes = prefixBytes;
      this.#onMessage(bytes.subarray(position + prefixBytes, end));
      position = end;
    }
    if (position < bytes.length) {
      this.#waiting.push(position === 0 ? bytes : bytes.subarray(position));
      this.#waitingBytes = bytes.length - position;
    }
    return null;
  }
}
