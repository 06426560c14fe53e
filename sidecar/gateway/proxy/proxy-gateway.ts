import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Logger, Metrics } from '../../core/index.ts';
import type { RouteRequest, Router } from '../../routing/index.ts';
import { decodeBody } from '../content-decoding.ts';
import { headerReader, pathOf } from '../edge-request.ts';
import { sendError, stackFrames } from '../error-response.ts';
import type { Gateway } from '../gateway.ts';
import { createHttpGateway } from '../http-gateway.ts';
import { removeOwnedHeaders } from '../owned-headers.ts';
import { declaredBytes, defaultBodyLimitBytes, readBody } from '../request-body.ts';
import { createRequestMetrics } from '../request-metrics.ts';
import { createForwarder } from './forwarder.ts';
import { endToEndHeaders } from './hop-headers.ts';
import { createRouteAndForward } from './route-and-forward.ts';

/** How a proxy listens and what it works with. */
export interface ProxyGatewayOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  readonly router: Router;
  /** Longest request body; longer ones are answered with 413. Default 32 MiB. */
  readonly bodyLimitBytes?: number;
  /** Endpoints tried while none has begun to answer. Default 3. */
  readonly maxAttempts?: number;
  /** How long a connection to an endpoint may take to open before the next is tried. Default 5 s. */
  readonly connectTimeoutMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Frees a request of what concerns only the client's connection or may only be said by the sidecar. */
const prepareHeaders = (request: IncomingMessage, bodyBytes: number): void => {
  const hadBody = declaredBytes(request) !== null || request.headers['transfer-encoding'] !== undefined;
  removeOwnedHeaders(request.headers);
  const headers = endToEndHeaders(request.headers);
  request.headers = headers;
  if (headers.expect !== undefined) delete headers.expect;
  if (hadBody) headers['content-length'] = String(bodyBytes);
  request.url = pathOf(request.url ?? '/');
};

const routeRequestOf = async (
  request: IncomingMessage,
  body: Uint8Array | null,
  limitBytes: number,
): Promise<RouteRequest> => {
  const header = headerReader(request);
  const bounds = { encodedLimitBytes: limitBytes, decodedLimitBytes: limitBytes, isComplete: true };
  const text = body === null ? null : await decodeBody(body, header('content-encoding'), bounds);
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    header,
    body: text,
    isBodyComplete: body === null || text !== null,
    wholeBodyBytes: body?.length ?? 0,
    subset: null,
    excluded: null,
    observesResponse: true,
  };
};

/**
 * A streaming reverse proxy: reads a request whole, routes it, forwards the bytes as they came and streams the answer
 * back with what was decided in its headers. A client that goes away ends the upstream request.
 */
export const createProxyGateway = (options: ProxyGatewayOptions): Gateway => {
  const { clock, metrics, router, maxAttempts = 3, bodyLimitBytes = defaultBodyLimitBytes } = options;
  const logger = options.logger.child({ gateway: 'proxy' });
  const observe = createRequestMetrics({ gateway: 'proxy', clock, metrics });
  const forwarder = createForwarder({ connectTimeoutMs: options.connectTimeoutMs ?? 5_000, clock });
  const routeAndForward = createRouteAndForward({ router, forwarder, maxAttempts, logger, metrics });

  const refuseBody = (request: IncomingMessage, response: ServerResponse): void => {
    logger.info('request refused', { code: 'body-too-large', limitBytes: bodyLimitBytes });
    request.resume();
    const message = `The request body is larger than ${bodyLimitBytes} bytes.`;
    const closesConnection = request.headers.expect !== undefined;
    sendError(response, { code: 'body-too-large', message, closesConnection });
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const observed = observe(response);
    try {
      const isTooLarge = (declaredBytes(request) ?? 0) > bodyLimitBytes;
      const body = isTooLarge ? null : await readBody(request, { limitBytes: bodyLimitBytes, clock });
      if (body === null || body.kind === 'cut') {
        observed.ended('body-too-large');
        return refuseBody(request, response);
      }
      if (body.kind === 'aborted') return;
      prepareHeaders(request, body.bytes?.length ?? 0);
      const route = await routeRequestOf(request, body.bytes, bodyLimitBytes);
      if (response.destroyed) return;
      await routeAndForward({ request, response, body: body.bytes, route, observed });
    } catch (failure) {
      observed.ended('internal');
      logger.error('request failed', { code: 'internal', stack: stackFrames(failure) });
      sendError(response, { code: 'internal' });
    }
  };

  const gateway = createHttpGateway({
    name: 'proxy',
    listen: options.listen,
    bodyLimitBytes,
    clock,
    logger,
    onRequest: (request, response) => void serve(request, response),
  });
  const stop = async (deadlineMs: number): Promise<void> => {
    await gateway.stop(deadlineMs);
    forwarder.close();
  };
  return { start: gateway.start, stop, [Symbol.asyncDispose]: () => stop(0) };
};
