import { type Clock, type Logger, SidecarError } from '../../../core/index.ts';
import type { Decision, RouteRequest, Router } from '../../../routing/index.ts';
import { stackFrames } from '../../error-response.ts';

/** One decision that comes in time. */
export interface TimelyDecision {
  /** Asks routing; only the first call counts. */
  ask(request: RouteRequest): void;
  /** Nobody waits any more: a decision that is still to come books nothing. */
  abandon(): void;
}

/** What a timely decision is made of. */
export interface TimelyDecisionOptions {
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds from its creation; past them whoever has not asked is told so, and an answer that waits is not waited for. */
  readonly timeoutMs: number;
  /** Nothing was asked in time: ask with what is known. */
  readonly onLate: () => void;
  /** Called once. Null: routing failed twice, which is a bug. */
  readonly onDecided: (decision: Decision | null) => void;
}

/** The same request without its prompt: routing answers it at once, by load. */
const withoutBody = (request: RouteRequest): RouteRequest => ({ ...request, body: null, isBodyComplete: false });

/**
 * Decides within a deadline. Where routing waits for something remote beyond it, or fails, the request is decided without
 * its prompt; what then comes late is taken off the books.
 */
export const createTimelyDecision = (options: TimelyDecisionOptions): TimelyDecision => {
  const { router, clock, logger, onDecided } = options;
  let isSettled = false;
  let asked: RouteRequest | null = null;

  const settle = (decision: Decision | null): void => {
    if (isSettled) {
      if (decision?.kind === 'routed') decision.ticket.failed('client-abort');
      return;
    }
    isSettled = true;
    cancelDeadline();
    onDecided(decision);
  };

  const route = (request: RouteRequest, onFailure: (failure: unknown) => void): void => {
    const onFailed = (failure: unknown): void => {
      const { code } = SidecarError.from(failure, 'internal');
      logger.error('routing failed', { code, stack: stackFrames(failure) });
      onFailure(failure);
    };
    let decision: Decision | Promise<Decision>;
    try {
      decision = router.route(request);
    } catch (failure) {
      onFailed(failure);
      return;
    }
    if (decision instanceof Promise) decision.then(settle, onFailed);
    else settle(decision);
  };

  const routeByLoad = (request: RouteRequest): void => {
    if (!isSettled) route(withoutBody(request), () => settle(null));
  };

  const cancelDeadline = clock.schedule(options.timeoutMs, () => {
    if (asked === null) options.onLate();
    else routeByLoad(asked);
  });

  return {
    ask: (request) => {
      if (asked !== null || isSettled) return;
      asked = request;
      route(request, () => routeByLoad(request));
    },
    abandon: () => {
      isSettled = true;
      cancelDeadline();
    },
  };
};
