import { Agent, type IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
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

interface OpenAttempt {
  readonly attempt: Attempt;
  readonly isRetry: boolean;
  readonly settle: (outcome: TryOutcome) => void;
  connecting: Connecting;
  isReused: boolean;
}

const oneChunk = (body: Uint8Array | null): Readable => {
  const stream = new Readable({ read: () => {} });
  if (body !== null) stream.push(body);
  stream.push(null);
  return stream;
};

const reportTo =
  (
    openAttempts: WeakMap<ServerResponse, OpenAttempt>,
    options: { readonly connectTimeoutMs: number; readonly clock: Clock },
  ): Plugin<IncomingMessage, ServerResponse> =>
  (proxy) => {
    proxy.on('proxyReq', (upstreamRequest, _request, response) => {
      const open = openAttempts.get(response);
      if (open === undefined) return;
      open.connecting = watchConnecting(upstreamRequest, options);
      open.isReused = upstreamRequest.reusedSocket;
    });
    proxy.on('proxyRes', (upstream, _request, response) => {
      const open = openAttempts.get(response);
      open?.attempt.onResponse(upstream);
      open?.settle({ kind: 'answered' });
    });
    proxy.on('error', (failure, _request, response) => {
      const open = response instanceof ServerResponse ? openAttempts.get(response) : undefined;
      if (open === undefined) return;
      const { isRetry, isReused, connecting } = open;
      const isGone = response?.destroyed === true;
      const { isConnected } = connecting;
      open.settle(isGone ? { kind: 'client-gone' } : failureOf(failure, { isRetry, isReused, isConnected }));
    });
    proxy.on('econnreset', (_failure, _request, response) =>
      openAttempts.get(response)?.settle({ kind: 'client-gone' }),
    );
  };

/**
 * Forwards with http-proxy-middleware, used as a library: one try is one call of the middleware, its hooks report how it
 * went. Takes requests of any kind.
 */
export const createLibraryForwarder = (options: {
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}): Forwarder => {
  const agent = new Agent({ keepAlive: true, timeout: idleConnectionMs, maxFreeSockets: 1024 });
  const openAttempts = new WeakMap<ServerResponse, OpenAttempt>();

  const middleware = createProxyMiddleware<IncomingMessage, ServerResponse>({
    pathFilter: () => true,
    router: (_request, response, perRequest) => {
      const open = response === undefined ? undefined : openAttempts.get(response);
      if (open === undefined) return '';
      perRequest.agent = open.isRetry ? false : agent;
      perRequest.buffer = oneChunk(open.attempt.body);
      perRequest.headers = { ...open.attempt.headers };
      return { protocol: 'http:', ...targetOf(open.attempt.address) };
    },
    // The default plugins log each response and walk all sockets for it.
    ejectPlugins: true,
    plugins: [reportTo(openAttempts, options)],
  });

  const tryOnce = (attempt: Attempt, { isRetry }: { readonly isRetry: boolean }): Promise<TryOutcome> =>
    new Promise((settle) => {
      const { request, response } = attempt;
      const connecting = { isConnected: false };
      openAttempts.set(response, { attempt, isRetry, settle, connecting, isReused: false });
      // Each try adds listeners that only the response's end removes.
      response.setMaxListeners(0);
      response.once('close', () => settle({ kind: 'client-gone' }));
      // The middleware calls `next` without an error for a path that is no URL, such as `//`.
      middleware(request, response, () => settle({ kind: 'broken', cause: 'ERR_INVALID_URL' })).catch((failure) =>
        settle({ kind: 'broken', cause: String(failure) }),
      );
    });

  return { forward: withFreshConnection(tryOnce), close: () => agent.destroy() };
};
