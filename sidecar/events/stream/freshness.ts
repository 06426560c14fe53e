import type { Clock } from '../../core/index.ts';
import type { StreamTiming } from './timing.ts';

/** What a stream knows of how current it is: when something last came, and when a replay last proved it complete. */
export class Freshness {
  readonly #clock: Clock;
  readonly #timing: StreamTiming;
  #lastFrameAtMs = Number.NEGATIVE_INFINITY;
  #lastProofAtMs = Number.NEGATIVE_INFINITY;
  #isTailUnknown = false;

  constructor(clock: Clock, timing: StreamTiming) {
    this.#clock = clock;
    this.#timing = timing;
  }

  /** Whether batches may be missing at the end, which the next live one or a replay will show. */
  get isTailUnknown(): boolean {
    return this.#isTailUnknown;
  }

  /** Whether a check is due: once after each busy time, and now and then in any case. */
  get isCheckDue(): boolean {
    const nowMs = this.#clock.now();
    const { quietCheckMs, regularCheckMs } = this.#timing;
    const isUnproven = this.#lastFrameAtMs >= this.#lastProofAtMs;
    return (isUnproven && nowMs - this.#lastFrameAtMs >= quietCheckMs) || nowMs - this.#lastProofAtMs >= regularCheckMs;
  }

  hasFrameSince(instantMs: number): boolean {
    return this.#lastFrameAtMs >= instantMs;
  }

  /** A live message came. */
  noteFrame(): void {
    this.#lastFrameAtMs = this.#clock.now();
  }

  /** A live batch was dealt with in order: all before it are accounted for. */
  noteInOrder(): void {
    this.#isTailUnknown = false;
  }

  /** A replay came to its end mark. */
  noteProof(): void {
    this.#lastProofAtMs = this.#clock.now();
    this.#isTailUnknown = false;
  }

  /** A connection was away, or a replay ended without its mark. */
  noteDoubt(): void {
    this.#isTailUnknown = true;
  }
}
