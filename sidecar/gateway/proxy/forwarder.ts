import { Agent, type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import type { Clock } from '../../core/index.ts';

/** One try at one address. */
export interface Attempt {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `host:port`, IPv6 hosts in brackets. */
  readonly address: string;
  /** The body, byte for byte as it is to be sent. */
  readonly body: Uint8Array | null;
  /** Headers laid over the client's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called when the endpoint's header has come, before anything of it goes to the client; may change its headers. */
  onResponse(upstream: IncomingMessage): void;
}

/**
 * How a try went. `answered`: a response began and streams on its own from here. The two failures come before any byte of
 * a response, so the request may be tried elsewhere; `unreachable`: no connection, nothing was sent.
 */
export type AttemptOutcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'unreachable'; readonly cause: string }
  | { readonly kind: 'broken'; readonly cause: string }
  | { readonly kind: 'client-gone' };

/** Sends requests on and streams responses back. */
export interface Forwarder {
  forward(attempt: Attempt): Promise<AttemptOutcome>;
  /** Closes idle connections; none is kept from then on. */
  close(): void;
}

interface OpenAttempt {
  readonly attempt: Attempt;
  readonly isRetry: boolean;
  readonly settle: (outcome: AttemptOutcome | 'stale-connection') => void;
  upstreamRequest: ClientRequest | null;
  isConnected: boolean;
}

/** vLLM closes idle connections after 5 s (VLLM_HTTP_TIMEOUT_KEEP_ALIVE); one reused just then is reset. */
const idleConnectionMs = 4_000;

const oneChunk = (body: Uint8Array | null): Readable => {
  const stream = new Readable({ read: () => {} });
  if (body !== null) stream.push(body);
  stream.push(null);
  return stream;
};

const targetOf = (address: string): { protocol: string; hostname: string; port: string } => {
  const colon = address.lastIndexOf(':');
  return {
    protocol: 'http:',
    hostname: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: address.slice(colon + 1),
  };
};

const failureOf = (open: OpenAttempt, failure: NodeJS.ErrnoException): AttemptOutcome | 'stale-connection' => {
  const cause = failure.code ?? failure.name;
  if (!open.isConnected) return { kind: 'unreachable', cause };
  const isStale = !open.isRetry && open.upstreamRequest?.reusedSocket === true;
  return isStale ? 'stale-connection' : { kind: 'broken', cause };
};

const reportTo =
  (
    openAttempts: WeakMap<ServerResponse, OpenAttempt>,
    onConnecting: (open: OpenAttempt, upstreamRequest: ClientRequest) => void,
  ): Plugin<IncomingMessage, ServerResponse> =>
  (proxy) => {
    proxy.on('proxyReq', (upstreamRequest, _request, response) => {
      const open = openAttempts.get(response);
      if (open !== undefined) onConnecting(open, upstreamRequest);
    });
    proxy.on('proxyRes', (upstream, _request, response) => {
      const open = openAttempts.get(response);
      open?.attempt.onResponse(upstream);
      open?.settle({ kind: 'answered' });
    });
    proxy.on('error', (failure, _request, response) => {
      const open = response instanceof ServerResponse ? openAttempts.get(response) : undefined;
      open?.settle(response?.destroyed === true ? { kind: 'client-gone' } : failureOf(open, failure));
    });
    proxy.on('econnreset', (_failure, _request, response) =>
      openAttempts.get(response)?.settle({ kind: 'client-gone' }),
    );
  };

/**
 * Forwards with http-proxy-middleware, used as a library: one try is one call of the middleware, its hooks report how it
 * went. A connection that the engine closed while it lay idle is replaced once, unseen by the caller.
 */
export const createForwarder = (options: { readonly connectTimeoutMs: number; readonly clock: Clock }): Forwarder => {
  const { clock, connectTimeoutMs } = options;
  const agent = new Agent({ keepAlive: true, timeout: idleConnectionMs, maxFreeSockets: 1024 });
  const openAttempts = new WeakMap<ServerResponse, OpenAttempt>();

  const boundConnecting = (open: OpenAttempt, upstreamRequest: ClientRequest): void => {
    const { socket } = upstreamRequest;
    open.upstreamRequest = upstreamRequest;
    open.isConnected = socket !== null && !socket.connecting;
    if (open.isConnected || socket === null) return;
    const cancel = clock.schedule(connectTimeoutMs, () => {
      upstreamRequest.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
    });
    socket.once('close', cancel);
    socket.once('connect', () => {
      open.isConnected = true;
      cancel();
    });
  };

  const middleware = createProxyMiddleware<IncomingMessage, ServerResponse>({
    pathFilter: () => true,
    router: (_request, response, perRequest) => {
      const open = response === undefined ? undefined : openAttempts.get(response);
      if (open === undefined) return '';
      perRequest.agent = open.isRetry ? false : agent;
      perRequest.buffer = oneChunk(open.attempt.body);
      perRequest.headers = { ...open.attempt.headers };
      return targetOf(open.attempt.address);
    },
    // The default plugins log each response and walk all sockets for it.
    ejectPlugins: true,
    plugins: [reportTo(openAttempts, boundConnecting)],
  });

  const tryOnce = (attempt: Attempt, isRetry: boolean): Promise<AttemptOutcome | 'stale-connection'> =>
    new Promise((settle) => {
      const { request, response } = attempt;
      openAttempts.set(response, { attempt, isRetry, settle, upstreamRequest: null, isConnected: false });
      response.once('close', () => settle({ kind: 'client-gone' }));
      // The middleware calls `next` without an error for a path that is no URL, such as `//`.
      middleware(request, response, () => settle({ kind: 'broken', cause: 'ERR_INVALID_URL' })).catch((failure) =>
        settle({ kind: 'broken', cause: String(failure) }),
      );
    });

  return {
    forward: async (attempt) => {
      // Each try adds listeners that only the response's end removes.
      attempt.response.setMaxListeners(0);
      const outcome = await tryOnce(attempt, false);
      if (outcome !== 'stale-connection') return outcome;
      const retried = await tryOnce(attempt, true);
      return retried === 'stale-connection' ? { kind: 'broken', cause: 'ECONNRESET' } : retried;
    },
    close: () => agent.destroy(),
  };
};
