import { type Clock, type Logger, SidecarError } from '../../../core/index.ts';
import type { Decision, RouteRequest, Router } from '../../../routing/index.ts';
import { stackFrames } from '../../error-response.ts';

/** What decisions are made with. */
export interface DecisionSettings {
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds from when a decision can be begun until one is given. */
  readonly decisionTimeoutMs: number;
  /** Told where that was too short, and for what: the rest of the body, or routing's answer. */
  readonly onDeadline: (waitedFor: 'body' | 'routing') => void;
}

/** Who waits for a decision. */
export interface DecisionListener {
  /** Nothing was asked in time: ask with what is known. */
  onLate(): void;
  /** Called once. Null: routing failed twice, which is a bug. */
  onDecided(decision: Decision | null): void;
}

/** The same request without its prompt: routing answers it at once, by load. */
const withoutBody = (request: RouteRequest): RouteRequest => ({ ...request, body: null, isBodyComplete: false });

/**
 * One decision that comes within a deadline, which begins with its creation. Past it whoever has not asked is told so, and
 * an answer that waits is not waited for: where routing waits for something remote beyond it, or fails, the request is
 * decided without its prompt; what then comes late is taken off the books.
 */
export class TimelyDecision {
  readonly #settings: DecisionSettings;
  readonly #listener: DecisionListener;
  readonly #cancelDeadline: () => void;
  #isSettled = false;
  #isBodyFree = true;
  #asked: RouteRequest | null = null;

  constructor(settings: DecisionSettings, listener: DecisionListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#cancelDeadline = settings.clock.schedule(settings.decisionTimeoutMs, () => this.#onDeadline());
  }

  /** Asks routing; only the first call counts. */
  ask(request: RouteRequest): void {
    if (this.#asked !== null || this.#isSettled) return;
    this.#asked = request;
    this.#route(request, true);
  }

  /** Once decided: whether routing is through with the body. What was not waited for may read on for a while. */
  get isBodyFree(): boolean {
    return this.#isBodyFree;
  }

  /** Nobody waits any more: a decision that is still to come books nothing. */
  abandon(): void {
    this.#isSettled = true;
    this.#cancelDeadline();
  }

  #onDeadline(): void {
    this.#settings.onDeadline(this.#asked === null ? 'body' : 'routing');
    if (this.#asked === null) this.#listener.onLate();
    else this.#routeByLoad(this.#asked);
  }

  #routeByLoad(request: RouteRequest): void {
    if (this.#isSettled) return;
    this.#isBodyFree = false;
    this.#route(withoutBody(request), false);
  }

  #route(request: RouteRequest, isFirst: boolean): void {
    let decision: Decision | Promise<Decision>;
    try {
      decision = this.#settings.router.route(request);
    } catch (failure) {
      this.#onFailure(failure, isFirst);
      return;
    }
    if (decision instanceof Promise) {
      decision.then(
        (decided) => this.#settle(decided),
        (failure: unknown) => this.#onFailure(failure, isFirst),
      );
    } else this.#settle(decision);
  }

  #onFailure(failure: unknown, isFirst: boolean): void {
    const { code } = SidecarError.from(failure, 'internal');
    this.#settings.logger.error('routing failed', { code, stack: stackFrames(failure) });
    if (isFirst && this.#asked !== null) this.#routeByLoad(this.#asked);
    else this.#settle(null);
  }

  #settle(decision: Decision | null): void {
    if (this.#isSettled) {
      if (decision?.kind === 'routed') decision.ticket.failed('client-abort');
      return;
    }
    this.#isSettled = true;
    this.#cancelDeadline();
    this.#listener.onDecided(decision);
  }
}
