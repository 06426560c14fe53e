import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Logger, Metrics } from '../../core/index.ts';
import type { Router } from '../../routing/index.ts';
import type { Gateway } from '../gateway.ts';
import { createHttpGateway } from '../http-gateway.ts';
import { defaultBodyLimitBytes } from '../request-body.ts';
import { createConsultHandler } from './consult-handler.ts';

/** How the consult endpoint listens and what it works with. */
export interface ConsultGatewayOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  readonly router: Router;
  /** Bytes of a body that are looked at; longer ones are decided by their beginning. Default 32 MiB. */
  readonly bodyLimitBytes?: number;
  /** How long to wait for the body; what has come until then decides. Default 100 ms. */
  readonly bodyTimeoutMs?: number;
  /** Prefix that the gateway puts before the client's path, as Envoy's ext_authz `path_prefix`. Default none. */
  readonly pathPrefix?: string;
  /**
   * Name of the sticky cookie of a Traefik service: answers then carry a `cookie` header, the client's with the pick's
   * cookie, for Traefik's `authResponseHeaders`. Default none.
   */
  readonly stickyCookie?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * An auth-request style endpoint: any method, any path. 200 with the destination in its headers lets the request on,
 * 503 says that no endpoint is ready, 429 that admission refused. No body, however broken, fails a request.
 */
export const createConsultGateway = (options: ConsultGatewayOptions): Gateway => {
  const {
    listen,
    clock,
    logger,
    bodyLimitBytes = defaultBodyLimitBytes,
    bodyTimeoutMs = 100,
    pathPrefix = '',
  } = options;
  const handler = createConsultHandler({ ...options, bodyLimitBytes, bodyTimeoutMs, pathPrefix });
  // There is nothing to dispatch on, and express would take longer than the decision does.
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void handler(request, response);
  return createHttpGateway({ name: 'consult', listen, clock, logger, onRequest });
};
