import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Logger, Metrics } from '../../core/index.ts';
import type { RoutedDecision, RouteRequest, Router } from '../../routing/index.ts';
import { decodeBody } from '../content-decoding.ts';
import { decisionHeaders } from '../decision-headers.ts';
import { headerReader } from '../edge-request.ts';
import { sendError, stackFrames } from '../error-response.ts';
import { destinationHeader, removeOwnedHeaders } from '../owned-headers.ts';
import { declaredBytes, type ReceivedBody, readBody } from '../request-body.ts';
import { createRequestMetrics } from '../request-metrics.ts';
import { answerUnrouted } from '../unrouted-response.ts';
import { originalRequest } from './original-request.ts';
import { createStickyCookie } from './sticky-cookie.ts';

/** What answers consult requests need. */
export interface ConsultHandlerOptions {
  readonly router: Router;
  readonly bodyLimitBytes: number;
  readonly bodyTimeoutMs: number;
  readonly pathPrefix: string;
  readonly stickyCookie?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

// A compressed body is decoded on this process's threads before anything is decided; beyond this it costs more than it tells.
const encodedLimitBytes = 1_048_576;

const answerRouted = (response: ServerResponse, decision: RoutedDecision): void => {
  const { endpoint, rankHeader } = decision;
  response.writeHead(200, {
    [destinationHeader]: endpoint.address,
    ...(rankHeader === null ? {} : { 'x-data-parallel-rank': String(rankHeader) }),
    ...decisionHeaders(decision),
    'content-length': 0,
  });
  response.end();
};

const routeRequestOf = async (
  request: IncomingMessage,
  body: Exclude<ReceivedBody, { kind: 'aborted' }>,
  options: ConsultHandlerOptions,
): Promise<RouteRequest> => {
  removeOwnedHeaders(request.headers);
  const header = headerReader(request);
  const { method, path, isBodyCut } = originalRequest(request, options.pathPrefix);
  const isComplete = body.kind === 'whole' && !isBodyCut;
  const bounds = { encodedLimitBytes, decodedLimitBytes: options.bodyLimitBytes, isComplete };
  const text = body.bytes === null ? null : await decodeBody(body.bytes, header('content-encoding'), bounds);
  const wholeBodyBytes = declaredBytes(request);
  return {
    method,
    path,
    header,
    body: text,
    isBodyComplete: isComplete && (text !== null || body.bytes === null),
    ...(wholeBodyBytes === null || isBodyCut ? {} : { wholeBodyBytes }),
    subset: null,
    excluded: null,
    observesResponse: false,
  };
};

/**
 * Answers where a request should go. A body of which nothing came in time ends with its connection: the announced bytes
 * may never come, and the next request's would be taken for them.
 */
export const createConsultHandler = (
  options: ConsultHandlerOptions,
): ((request: IncomingMessage, response: ServerResponse) => Promise<void>) => {
  const { router, bodyLimitBytes, bodyTimeoutMs, clock, metrics } = options;
  const logger = options.logger.child({ gateway: 'consult' });
  const observe = createRequestMetrics({ gateway: 'consult', clock, metrics });
  const cookieFor = options.stickyCookie === undefined ? null : createStickyCookie(options.stickyCookie);

  return async (request, response) => {
    const observed = observe(response);
    try {
      const body = await readBody(request, { limitBytes: bodyLimitBytes, deadlineMs: bodyTimeoutMs, clock });
      if (body.kind === 'aborted') return;
      if (body.kind === 'cut' && body.why === 'deadline') response.setHeader('connection', 'close');
      const decision = await router.route(await routeRequestOf(request, body, options));
      observed.ended(decision.kind === 'routed' ? 'answered' : decision.kind, decision.pool ?? '');
      if (decision.kind === 'routed') {
        if (cookieFor !== null) {
          response.setHeader('cookie', cookieFor(request.headers.cookie, decision.endpoint.address));
        }
        return answerRouted(response, decision);
      }
      answerUnrouted(response, decision, logger);
    } catch (failure) {
      observed.ended('internal');
      logger.error('request failed', { code: 'internal', stack: stackFrames(failure) });
      sendError(response, { code: 'internal' });
    }
  };
};
