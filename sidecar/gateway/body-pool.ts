/** Memory lent for one body. */
export interface BodyLoan {
  /** As many bytes as were asked for, with what an earlier body left in them. */
  readonly bytes: Buffer;
  /** Lets other bodies have the memory: nobody reads or sends `bytes` any more. Only the first call counts. */
  giveBack(): void;
}

/** Memory is lent in powers of two from this size on, so that little of it fits many bodies. */
const smallestBytes = 16_384;

/** Memory that waits for the next body; what is given back beyond it is left to the garbage collector. */
const idleLimitBytes = 16_777_216;

const roomFor = (bytes: number): number => {
  let room = smallestBytes;
  while (room < bytes) room *= 2;
  return room;
};

/**
 * Lends memory for bodies and takes it back for others. V8 collects its whole heap after each 64 MiB of memory that were
 * had outside of it, which a few hundred long bodies are: that costs more than their decisions. What is never given back
 * is not lost: the garbage collector takes it.
 */
export class BodyPool {
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;

  /** Memory for a body of `bytes` bytes. */
  lend(bytes: number): BodyLoan {
    const room = roomFor(bytes);
    const idle = this.#idle.get(room)?.pop();
    if (idle !== undefined) this.#idleBytes -= room;
    let lent: Buffer | null = idle ?? Buffer.allocUnsafeSlow(room);
    return {
      bytes: lent.subarray(0, bytes),
      giveBack: () => {
        if (lent === null) return;
        this.#keep(lent);
        lent = null;
      },
    };
  }

  #keep(memory: Buffer): void {
    const room = memory.length;
    if (this.#idleBytes + room > idleLimitBytes) return;
    this.#idleBytes += room;
    const idle = this.#idle.get(room);
    if (idle === undefined) this.#idle.set(room, [memory]);
    else idle.push(memory);
  }
}
