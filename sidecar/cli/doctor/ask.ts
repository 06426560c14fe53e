/** What became of one HTTP request. */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly text: string;
      /** The body as JSON, undefined where it is none. */
      readonly json: unknown;
      /** Server's clock less ours in milliseconds by its `date` header, to half a second; null where it sends none. */
      readonly clockSkewMs: number | null;
    }
  | { readonly kind: 'unreachable'; readonly why: string };

const timeoutMs = 5_000;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const reasonOf = (failure: unknown): string => {
  if (!(failure instanceof Error)) return String(failure);
  const { cause } = failure;
  if (cause instanceof Error && 'code' in cause && cause.code !== undefined) return String(cause.code);
  return failure.name === 'TimeoutError' ? `no answer within ${timeoutMs / 1000} s` : failure.message;
};

/** Sends a request; `body` is posted as JSON. Never rejects. */
export const ask = async (
  url: string,
  options: {
    readonly method?: 'GET' | 'POST';
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
): Promise<Answer> => {
  const { body, signal } = options;
  const sentMs = Date.now();
  try {
    const response = await fetch(url, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...options.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const date = Date.parse(response.headers.get('date') ?? '');
    const text = await response.text();
    // The header is cut to whole seconds.
    const clockSkewMs = Number.isNaN(date) ? null : date + 500 - (sentMs + Date.now()) / 2;
    return { kind: 'answered', status: response.status, text, json: parse(text), clockSkewMs };
  } catch (failure) {
    return { kind: 'unreachable', why: reasonOf(failure) };
  }
};

/** A member of a JSON value that may be anything. */
export const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
