/** One numbered batch as it goes over the wire. */
export interface PublishedBatch {
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Frame of a sequence number: 8 bytes, big-endian. */
export const sequenceFrame = (sequence: number): Buffer => {
  const frame = Buffer.allocUnsafe(8);
  frame.writeBigUInt64BE(BigInt(sequence));
  return frame;
};

/** The last `capacity` batches, numbered from 0 without gaps; what a replay can still be answered from. */
export class PublishedBatches {
  readonly #ring: PublishedBatch[] = [];
  readonly #capacity: number;
  #nextSequence = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Number of the newest batch, null before the first. */
  get lastSequence(): number | null {
    return this.#nextSequence === 0 ? null : this.#nextSequence - 1;
  }

  /** Numbers and keeps a payload. */
  add(payload: Buffer): PublishedBatch {
    const batch = { sequence: this.#nextSequence++, payload };
    this.#ring[batch.sequence % this.#capacity] = batch;
    return batch;
  }

  /** Kept batches from `sequence` on, oldest first; begins with the oldest kept where older ones are asked for. */
  from(sequence: number): readonly PublishedBatch[] {
    const first = Math.max(sequence, this.#nextSequence - this.#capacity, 0);
    const batches: PublishedBatch[] = [];
    for (let next = first; next < this.#nextSequence; next++) {
      const batch = this.#ring[next % this.#capacity];
      if (batch !== undefined) batches.push(batch);
    }
    return batches;
  }
}
