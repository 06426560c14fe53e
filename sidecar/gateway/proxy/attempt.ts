import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
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

/** A try's outcome, or that the engine had closed the connection while it lay idle, so that another is worth it. */
export type TryOutcome = AttemptOutcome | 'stale-connection';

/** vLLM closes idle connections after 5 s (VLLM_HTTP_TIMEOUT_KEEP_ALIVE); one reused just then is reset. */
export const idleConnectionMs = 4_000;

/** Host without brackets and port of an address. */
export const targetOf = (address: string): { readonly hostname: string; readonly port: string } => {
  const colon = address.lastIndexOf(':');
  return { hostname: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: address.slice(colon + 1) };
};

/** Knows whether a request to an endpoint has a connection, and ends one that takes too long to get it. */
export interface Connecting {
  readonly isConnected: boolean;
}

/** Watches a request that was given its socket. A connection that does not open in time fails with `ETIMEDOUT`. */
export const watchConnecting = (
  upstreamRequest: ClientRequest,
  options: { readonly connectTimeoutMs: number; readonly clock: Clock },
): Connecting => {
  const { socket } = upstreamRequest;
  const state = { isConnected: socket !== null && !socket.connecting };
  if (state.isConnected || socket === null) return state;
  const cancel = options.clock.schedule(options.connectTimeoutMs, () => {
    upstreamRequest.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
  });
  socket.once('close', cancel);
  socket.once('connect', () => {
    state.isConnected = true;
    cancel();
  });
  return state;
};

/** What an error before any response means. */
export const failureOf = (
  failure: NodeJS.ErrnoException,
  state: { readonly isConnected: boolean; readonly isRetry: boolean; readonly isReused: boolean },
): TryOutcome => {
  const cause = failure.code ?? failure.name;
  if (!state.isConnected) return { kind: 'unreachable', cause };
  return state.isReused && !state.isRetry ? 'stale-connection' : { kind: 'broken', cause };
};

/** A connection that the engine closed while it lay idle is replaced once, unseen by the caller. */
export const withFreshConnection =
  (tryOnce: (attempt: Attempt, options: { readonly isRetry: boolean }) => Promise<TryOutcome>): Forwarder['forward'] =>
  async (attempt) => {
    const outcome = await tryOnce(attempt, { isRetry: false });
    if (outcome !== 'stale-connection') return outcome;
    const retried = await tryOnce(attempt, { isRetry: true });
    return retried === 'stale-connection' ? { kind: 'broken', cause: 'ECONNRESET' } : retried;
  };
