import { backoffMs, type Clock, type Random, type SequenceNumber, sequenceNumber } from '../../core/index.ts';
import { decodeReplayFrame } from '../frames.ts';
import type { ReplayGate } from '../replay-gate.ts';
import type { StreamTiming } from './timing.ts';

/** Asks an engine for its buffered batches. */
export interface ReplayPort {
  /**
   * Sends one request for every batch from `from` on and hands each reply's frames to `onFrames`, until the returned
   * function is called. `onFailure` says that nothing more will come. Neither is called before `open` returns.
   */
  open(request: {
    readonly from: SequenceNumber;
    readonly onFrames: (frames: readonly Uint8Array[]) => void;
    readonly onFailure: (failure: unknown) => void;
  }): () => void;
}

/** What a {@link ReplayRun} needs and whom it tells. */
export interface ReplayRunOptions {
  readonly port: ReplayPort;
  readonly gate: ReplayGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: StreamTiming;
  /** The number to ask for, read anew at each try. */
  readonly from: () => number;
  /** A request goes out. */
  readonly onBegun: (from: number) => void;
  /** Waiting for a slot, or for the next try. */
  readonly onWaiting: () => void;
  /** A batch came; `isFirst` in its reply. Returns whether it was new, which counts as progress. */
  readonly onBatch: (batch: { sequence: number; payload: Uint8Array; isFirst: boolean }) => boolean;
  /** Every batch the engine has was sent. The run is over. */
  readonly onEnd: () => void;
  /** Tries are used up. The run is over. */
  readonly onGaveUp: () => void;
  readonly onMalformed: (failure: unknown) => void;
}

/**
 * One replay with its tries: waits for a slot, sends the request, and asks again from where it got to when the engine falls
 * silent. Ends with `onEnd`, `onGaveUp` or `cancel`, whichever is first, and says nothing afterwards.
 */
export class ReplayRun {
  readonly #options: ReplayRunOptions;
  #tries = 0;
  #isOver = false;
  #progressAtMs = 0;
  #hasSeenBatch = false;
  #hasProgressed = false;
  #closeSocket: (() => void) | null = null;
  #releaseSlot: (() => void) | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor(options: ReplayRunOptions) {
    this.#options = options;
  }

  /** Whether any batch was new in this run. */
  get hasProgressed(): boolean {
    return this.#hasProgressed;
  }

  start(): void {
    let isGranted = false;
    const release = this.#options.gate.request(() => {
      isGranted = true;
      this.#open();
    });
    this.#releaseSlot = release;
    if (!isGranted) this.#options.onWaiting();
  }

  /** Asks again at once, from the number that `from` gives; the reply under way is dropped. */
  reopen(): void {
    this.#closeSocket?.();
    this.#closeSocket = null;
    this.#open();
  }

  cancel(): void {
    this.#isOver = true;
    this.#cancelTimer?.();
    this.#closeSocket?.();
    this.#closeSocket = null;
    this.#releaseSlot?.();
    this.#releaseSlot = null;
  }

  #open(): void {
    const { port } = this.#options;
    const from = sequenceNumber(this.#options.from());
    this.#hasSeenBatch = false;
    this.#tries += 1;
    this.#options.onBegun(from);
    let isCurrent = true;
    const close = port.open({
      from,
      onFrames: (frames) => {
        if (isCurrent && !this.#isOver) this.#receive(frames);
      },
      onFailure: () => {
        if (isCurrent && !this.#isOver) this.#retry();
      },
    });
    this.#closeSocket = () => {
      isCurrent = false;
      close();
    };
    this.#progressAtMs = this.#options.clock.now();
    this.#watchIdle();
  }

  /** Looks, once per idle time and not per frame, whether batches still come. */
  #watchIdle(): void {
    const { clock, timing } = this.#options;
    const restMs = this.#progressAtMs + timing.replayIdleMs - clock.now();
    if (restMs <= 0) this.#retry();
    else this.#armTimer(restMs, () => this.#watchIdle());
  }

  #receive(frames: readonly Uint8Array[]): void {
    let frame: ReturnType<typeof decodeReplayFrame>;
    try {
      frame = decodeReplayFrame(frames);
    } catch (failure) {
      this.#options.onMalformed(failure);
      return;
    }
    if (frame.kind === 'end') {
      this.cancel();
      this.#options.onEnd();
      return;
    }
    const isFirst = !this.#hasSeenBatch;
    this.#hasSeenBatch = true;
    if (this.#options.onBatch({ sequence: frame.sequence, payload: frame.payload, isFirst })) {
      this.#tries = 0;
      this.#hasProgressed = true;
      this.#progressAtMs = this.#options.clock.now();
    }
  }

  #retry(): void {
    const { timing, random } = this.#options;
    this.#cancelTimer?.();
    this.#closeSocket?.();
    this.#closeSocket = null;
    this.#releaseSlot?.();
    this.#releaseSlot = null;
    if (this.#tries >= timing.replayTries) {
      this.cancel();
      this.#options.onGaveUp();
      return;
    }
    this.#options.onWaiting();
    const attempt = Math.max(0, this.#tries - 1);
    const waitMs = backoffMs({
      attempt,
      baseMs: timing.replayBackoffMs,
      capMs: timing.replayBackoffCapMs,
      random,
    });
    this.#armTimer(waitMs, () => this.start());
  }

  #armTimer(delayMs: number, action: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.schedule(delayMs, action);
  }
}
