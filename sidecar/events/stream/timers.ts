import type { Clock } from '../../core/index.ts';

/** One pending action per name; cancelled together when the owner closes. */
export class Timers<Name extends string> {
  readonly #clock: Clock;
  readonly #cancels = new Map<Name, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isArmed(name: Name): boolean {
    return this.#cancels.has(name);
  }

  /** Runs `action` after `delayMs`, in place of what was pending under the name. */
  arm(name: Name, delayMs: number, action: () => void): void {
    this.cancel(name);
    this.#cancels.set(
      name,
      this.#clock.schedule(delayMs, () => {
        this.#cancels.delete(name);
        action();
      }),
    );
  }

  cancel(name: Name): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  cancelAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
