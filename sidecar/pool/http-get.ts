import { Agent, request } from 'undici';

/** What became of a GET. `unreachable`: no connection came about; `broken`: it failed after that. */
export type HttpAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'broken'; readonly why: string };

/** Reads a URL. Never rejects; an aborted signal gives `broken`. */
export type HttpGet = (
  url: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<HttpAnswer>;

/** Failures before there is a connection, by the codes of Node and undici. */
const unreachableCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const codeOf = (failure: unknown): string =>
  typeof failure === 'object' && failure !== null && 'code' in failure && typeof failure.code === 'string'
    ? failure.code
    : '';

/**
 * Creates the reader of engines' metrics and models: connections kept alive, at most `maxBytes` a body (16 MiB by
 * default; more gives `broken`). Dispose of it to close its connections.
 */
export const createHttpGet = (options: { readonly maxBytes?: number } = {}): HttpGet & AsyncDisposable => {
  const { maxBytes = 16_777_216 } = options;
  const agent = new Agent({ connections: 2, keepAliveTimeout: 30_000 });

  const read = async (url: string, signal: AbortSignal): Promise<HttpAnswer> => {
    const { statusCode, body } = await request(url, { dispatcher: agent, signal });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      // Leaving the loop destroys the body, and with it the connection.
      if (bytes > maxBytes) return { kind: 'broken', why: `body larger than ${maxBytes} bytes` };
    }
    return { kind: 'answered', status: statusCode, text: Buffer.concat(chunks).toString('utf8') };
  };

  const get: HttpGet = async (url, { timeoutMs, signal }) => {
    const ending = new AbortController();
    const abort = (): void => ending.abort();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      abort();
    }, timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await read(url, ending.signal);
    } catch (failure) {
      if (isLate) return { kind: 'timed-out' };
      const why = codeOf(failure) || String(failure);
      return { kind: unreachableCodes.has(why) ? 'unreachable' : 'broken', why };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  };
  return Object.assign(get, { [Symbol.asyncDispose]: () => agent.destroy() });
};
