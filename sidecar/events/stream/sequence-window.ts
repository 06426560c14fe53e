/** How many of the newest batches can be told from others by their bytes. */
const remembered = 1024;
/** Bytes looked at from either end of a payload; the timestamp is among the first. */
const sampledBytes = 48;

/**
 * What a batch's number means beside those applied before. `duplicate`: applied already. `late`: an old number that was
 * given up as lost. `restart`: an old number with other content, so another process is counting. `unreadable`: an old
 * number whose payload cannot be read.
 */
export type SequenceVerdict = 'new' | 'duplicate' | 'late' | 'restart' | 'unreadable';

/** What a {@link SequenceWindow} holds, for another process. JSON-safe. */
export interface WindowMarks {
  /** Number of the last batch dealt with. */
  readonly last: number;
  /** Unix seconds at which the engine made the first and the last batch applied. */
  readonly firstTimestamp: number;
  readonly lastTimestamp: number;
  /** The newest batches applied, oldest first: number and fingerprint of each in turn. */
  readonly marks: readonly number[];
}

const fingerprint = (payload: Uint8Array): number => {
  let mixed = payload.length | 0;
  const headEnd = Math.min(sampledBytes, payload.length);
  for (let i = 0; i < headEnd; i += 1) mixed = Math.imul(mixed ^ (payload[i] ?? 0), 0x01000193);
  for (let i = Math.max(headEnd, payload.length - sampledBytes); i < payload.length; i += 1) {
    mixed = Math.imul(mixed ^ (payload[i] ?? 0), 0x01000193);
  }
  return mixed;
};

/**
 * Where a stream stands: the number of the last batch dealt with, and enough of the newest batches to tell a repeated one
 * from one of a restarted engine. The wire carries no identity of the process, but batches hold the time they were made
 * at, so two processes never publish the same bytes under one number. About 12 KB a stream; every operation O(1).
 */
export class SequenceWindow {
  readonly #sequences = new Float64Array(remembered).fill(-1);
  readonly #fingerprints = new Int32Array(remembered);
  #last: number | null = null;
  #lastApplied = -1;
  #lastTimestamp = Number.NEGATIVE_INFINITY;
  #firstTimestamp: number | null = null;

  /** Number of the last batch applied or given up, null before the first. */
  get last(): number | null {
    return this.#last;
  }

  /** The number that must come next, null where the stream's start is not known. */
  get next(): number | null {
    return this.#last === null ? null : this.#last + 1;
  }

  /** Unix seconds at which the engine made the first batch applied, null before it. */
  get firstTimestamp(): number | null {
    return this.#firstTimestamp;
  }

  /** Notes a batch as applied. */
  advance(sequence: number, payload: Uint8Array, timestampSeconds: number): void {
    const slot = sequence % remembered;
    this.#sequences[slot] = sequence;
    this.#fingerprints[slot] = fingerprint(payload);
    this.#last = sequence;
    this.#lastApplied = sequence;
    this.#lastTimestamp = timestampSeconds;
    this.#firstTimestamp ??= timestampSeconds;
  }

  /** Notes every batch up to `sequence` as dealt with; those not applied are lost. */
  skipTo(sequence: number): void {
    this.#last = sequence;
  }

  /** Judges a batch. `timestampOf` is asked only where the number alone does not tell; null means unreadable. */
  judge(sequence: number, payload: Uint8Array, timestampOf: (payload: Uint8Array) => number | null): SequenceVerdict {
    if (this.#last === null || sequence > this.#last) return 'new';
    const isKnown = this.#sequences[sequence % remembered] === sequence;
    if (isKnown && this.#fingerprints[sequence % remembered] === fingerprint(payload)) return 'duplicate';
    const timestamp = timestampOf(payload);
    if (timestamp === null) return 'unreadable';
    if (isKnown) return 'restart';
    if (sequence > this.#lastApplied || timestamp < this.#lastTimestamp) return 'late';
    return sequence === 0 || timestamp > this.#lastTimestamp ? 'restart' : 'late';
  }

  /** Null before the first batch applied. */
  marks(): WindowMarks | null {
    const last = this.#last;
    const firstTimestamp = this.#firstTimestamp;
    if (last === null || firstTimestamp === null) return null;
    const marks: number[] = [];
    for (let sequence = Math.max(0, this.#lastApplied + 1 - remembered); sequence <= this.#lastApplied; sequence += 1) {
      const slot = sequence % remembered;
      if (this.#sequences[slot] === sequence) marks.push(sequence, this.#fingerprints[slot] ?? 0);
    }
    return { last, firstTimestamp, lastTimestamp: this.#lastTimestamp, marks };
  }

  /** Goes on from where another window stood. */
  restore({ last, firstTimestamp, lastTimestamp, marks }: WindowMarks): void {
    this.reset();
    for (let at = 0; at + 1 < marks.length; at += 2) {
      const sequence = marks[at] ?? 0;
      this.#sequences[sequence % remembered] = sequence;
      this.#fingerprints[sequence % remembered] = marks[at + 1] ?? 0;
      this.#lastApplied = sequence;
    }
    this.#last = last;
    this.#firstTimestamp = firstTimestamp;
    this.#lastTimestamp = lastTimestamp;
  }

  /**
   * Whether both saw the same process: false where any number that both know stands for different batches, null where they
   * know none in common.
   */
  agreesWith({ marks }: WindowMarks): boolean | null {
    let agrees: boolean | null = null;
    for (let at = 0; at + 1 < marks.length; at += 2) {
      const sequence = marks[at] ?? 0;
      if (this.#sequences[sequence % remembered] !== sequence) continue;
      if (this.#fingerprints[sequence % remembered] !== marks[at + 1]) return false;
      agrees = true;
    }
    return agrees;
  }

  /** Back to not knowing where the stream stands. */
  reset(): void {
    this.#sequences.fill(-1);
    this.#last = null;
    this.#lastApplied = -1;
    this.#lastTimestamp = Number.NEGATIVE_INFINITY;
    this.#firstTimestamp = null;
  }
}
