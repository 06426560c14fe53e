import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import type { Clock } from '../../core/index.ts';
import {
  type Attempt,
  type Connecting,
  type Forwarder,
  failureOf,
  idleConnectionMs,
  type TryOutcome,
  targetOf,
  watchConnecting,
  withFreshConnection,
} from './attempt.ts';

const notConnected: Connecting = { isConnected: false };

const answer = (upstream: IncomingMessage, response: ServerResponse): void => {
  response.statusCode = upstream.statusCode ?? 502;
  if (upstream.statusMessage !== undefined) response.statusMessage = upstream.statusMessage;
  const { headers } = upstream;
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  upstream.pipe(response);
};

const open = (attempt: Attempt, agent: Agent | false): ClientRequest => {
  const { request, address, headers } = attempt;
  const { hostname, port } = targetOf(address);
  return openRequest({
    host: hostname,
    port,
    method: request.method,
    path: request.url,
    headers: { ...request.headers, ...headers },
    agent,
  });
};

/**
 * Forwards requests that were read whole over node:http itself: the header and the body go out in one write, the response
 * is piped back. For the requests that are many; it knows nothing of upgrades.
 */
export const createDirectForwarder = (options: {
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}): Forwarder => {
  const agent = new Agent({ keepAlive: true, timeout: idleConnectionMs, maxFreeSockets: 1024 });

  const tryOnce = (attempt: Attempt, { isRetry }: { readonly isRetry: boolean }): Promise<TryOutcome> =>
    new Promise((resolve) => {
      const { response, body } = attempt;
      let upstreamRequest: ClientRequest;
      try {
        upstreamRequest = open(attempt, isRetry ? false : agent);
      } catch (failure) {
        // A path or header that Node does not send.
        resolve({
          kind: 'broken',
          cause: failure instanceof Error && 'code' in failure ? String(failure.code) : 'Error',
        });
        return;
      }
      let connecting = notConnected;
      let upstream: IncomingMessage | null = null;
      const onClientGone = (): void => {
        if (response.writableFinished) return;
        upstreamRequest.destroy();
        resolve({ kind: 'client-gone' });
      };
      response.once('close', onClientGone);
      upstreamRequest.once('socket', () => {
        connecting = watchConnecting(upstreamRequest, options);
      });
      upstreamRequest.on('error', (failure: NodeJS.ErrnoException) => {
        if (upstream !== null) {
          response.destroy();
          return;
        }
        response.off('close', onClientGone);
        const { isConnected } = connecting;
        resolve(failureOf(failure, { isRetry, isConnected, isReused: upstreamRequest.reusedSocket }));
      });
      upstreamRequest.once('response', (incoming) => {
        upstream = incoming;
        // Cut short by the endpoint: the client is not to take what it has for the whole.
        incoming.once('error', () => response.destroy());
        attempt.onResponse(incoming);
        answer(incoming, response);
        resolve({ kind: 'answered' });
      });
      upstreamRequest.end(body);
    });

  return { forward: withFreshConnection(tryOnce), close: () => agent.destroy() };
};
