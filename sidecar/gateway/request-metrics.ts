import type { ServerResponse } from 'node:http';
import type { Clock, Metrics } from '../core/index.ts';

/** How a request ended, the label `outcome` of `requests_total`. */
export type RequestOutcome =
  | 'answered'
  | 'no-endpoint'
  | 'refused'
  | 'body-too-large'
  | 'upstream-failed'
  | 'upstream-timeout'
  | 'client-abort'
  | 'internal';

/** One request as its metrics see it; reported when its response is closed. */
export interface ObservedRequest {
  /** Sets how it ended; of several the last counts. */
  ended(outcome: RequestOutcome, pool?: string): void;
  /** The first generated content passed. */
  firstToken(pool: string): void;
}

/** Starts observing a request that is answered over HTTP. */
export type ObserveRequest = (response: ServerResponse) => ObservedRequest;

/** Starts observing a request of any edge, which says itself when it is over. */
export type ObserveExchange = () => ObservedRequest & { closed(): void };

/** What a gateway's metrics are made of. */
export interface RequestMetricsOptions {
  readonly gateway: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Counts and times the requests of one edge: `requests_total`, `requests_in_flight`, `request_duration_seconds`. */
export const createExchangeMetrics = (options: RequestMetricsOptions): ObserveExchange => {
  const { gateway, clock, metrics } = options;
  let inFlight = 0;
  const move = (by: 1 | -1): void => {
    inFlight += by;
    metrics.gauge('requests_in_flight', inFlight, { gateway });
  };
  return () => {
    const startedMs = clock.now();
    let outcome: RequestOutcome = 'client-abort';
    let servingPool = '';
    move(1);
    return {
      ended: (ending, pool = '') => {
        outcome = ending;
        servingPool = pool;
      },
      firstToken: (pool) => {
        metrics.observe('time_to_first_token_seconds', (clock.now() - startedMs) / 1000, { gateway, pool });
      },
      closed: () => {
        move(-1);
        metrics.count('requests_total', { gateway, outcome, pool: servingPool });
        metrics.observe('request_duration_seconds', (clock.now() - startedMs) / 1000, { gateway });
      },
    };
  };
};

/** The same for edges that answer over HTTP: a request is over when its response is closed. */
export const createRequestMetrics = (options: RequestMetricsOptions): ObserveRequest => {
  const observe = createExchangeMetrics(options);
  return (response) => {
    const observed = observe();
    response.once('close', observed.closed);
    return observed;
  };
};
