import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { Clock, Logger } from '../core/index.ts';
import { sendError } from './error-response.ts';
import type { Gateway } from './gateway.ts';
import { listenOn } from './listening.ts';
import { declaredBytes } from './request-body.ts';

/** What an HTTP edge is made of. */
export interface HttpGatewayOptions {
  /** Name in logs and errors. */
  readonly name: string;
  /** `host:port`, IPv6 hosts in brackets; port 0 takes a free one. */
  readonly listen: string;
  readonly onRequest: RequestListener;
  /** A client that asks with `Expect: 100-continue` is told to go on only up to this declared length; absent: always. */
  readonly bodyLimitBytes?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

// Longer than the idle time of the load balancers usually in front (60 s), so that they, not we, close idle connections.
const keepAliveTimeoutMs = 75_000;

/** Wraps a request listener in the life cycle that every HTTP edge shares. */
export const createHttpGateway = (options: HttpGatewayOptions): Gateway => {
  const { clock, logger, bodyLimitBytes = Number.POSITIVE_INFINITY } = options;
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs });
  let stopping: Promise<void> | null = null;

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (stopping !== null) {
      sendError(response, { code: 'shutting-down', closesConnection: true });
      return;
    }
    response.once('close', () => {
      if (stopping !== null) setImmediate(() => server.closeIdleConnections());
    });
    options.onRequest(request, response);
  };
  server.on('request', onRequest);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if ((declaredBytes(request) ?? 0) <= bodyLimitBytes) response.writeContinue();
    onRequest(request, response);
  });

  const stop = (deadlineMs: number): Promise<void> => {
    if (deadlineMs <= 0) server.closeAllConnections();
    stopping ??= new Promise((resolve) => {
      if (!server.listening) return resolve();
      const cancel = clock.schedule(deadlineMs, () => server.closeAllConnections());
      server.close(() => {
        cancel();
        logger.info('gateway stopped', { gateway: options.name });
        resolve();
      });
      server.closeIdleConnections();
    });
    return stopping;
  };

  return {
    start: async (signal) => {
      signal.throwIfAborted();
      const address = await listenOn(server, { gateway: options.name, listen: options.listen });
      if (signal.aborted) await stop(0);
      signal.throwIfAborted();
      signal.addEventListener('abort', () => void stop(0), { once: true });
      logger.info('gateway listening', { gateway: options.name, address });
      return { address };
    },
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  };
};
