import type { Clock, EndpointId } from '../core/index.ts';
import type { DiscoveredEndpoint } from '../discovery/index.ts';

/** Hands a pool's endpoints on, new ones a few at a time: each opens sockets and is asked for metrics and models. */
export interface EndpointIntake {
  /** Takes over the whole list. Those handed on before that are in it stay, those that are not go at once. */
  offer(endpoints: readonly DiscoveredEndpoint[]): void;
  /** How many are still to be handed on. */
  pending(): number;
  /** Resolves once all that were offered are handed on, or after `stop`. */
  settled(): Promise<void>;
  stop(): void;
}

/** An endpoint costs about a millisecond of CPU until it is followed and was asked for the first time. */
const SLICE = 8;
const PAUSE_MS = 25;

/** Creates an intake. `take` gets the whole list as far as it is handed on, in the order offered. */
export const createEndpointIntake = (options: {
  readonly clock: Clock;
  readonly take: (endpoints: readonly DiscoveredEndpoint[]) => void;
}): EndpointIntake => {
  const { clock, take } = options;
  let offered: readonly DiscoveredEndpoint[] = [];
  let taken: ReadonlySet<EndpointId> = new Set();
  let cancel = (): void => {};
  let waiting: (() => void)[] = [];

  const release = (): void => {
    for (const resolve of waiting) resolve();
    waiting = [];
  };

  const step = (): void => {
    let room = SLICE;
    const next = offered.filter(({ endpoint }) => {
      if (taken.has(endpoint.id)) return true;
      room -= 1;
      return room >= 0;
    });
    taken = new Set(next.map(({ endpoint }) => endpoint.id));
    const isLast = next.length === offered.length;
    if (!isLast) cancel = clock.schedule(PAUSE_MS, step);
    take(next);
    if (isLast) release();
  };

  return {
    offer: (endpoints) => {
      cancel();
      offered = endpoints;
      step();
    },
    pending: () => offered.length - taken.size,
    settled: () =>
      offered.length === taken.size ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve)),
    stop: () => {
      cancel();
      release();
    },
  };
};
