/** What one error code means to every edge. */
export interface ErrorMeaning {
  /** HTTP status an edge answers with. */
  readonly httpStatus: number;
  /** gRPC status code (number of the public table). */
  readonly grpcStatus: number;
  /** Whether the same request may succeed when sent again. */
  readonly retryable: boolean;
  /** Value of `x-llm-d-request-dropped-reason`, where the request is refused. */
  readonly dropReason: string | null;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly meaning: string;
}

/** Every failure the sidecar can report. Edges read statuses here; nothing else knows status numbers. */
export const errorTable = {
  'invalid-argument': {
    httpStatus: 400,
    grpcStatus: 3,
    retryable: false,
    dropReason: null,
    level: 'info',
    meaning: 'A value handed in by a caller is outside its allowed range.',
  },
  'invalid-config': {
    httpStatus: 500,
    grpcStatus: 13,
    retryable: false,
    dropReason: null,
    level: 'error',
    meaning: 'The configuration has mistakes; each is listed with its path.',
  },
  'not-found': {
    httpStatus: 404,
    grpcStatus: 5,
    retryable: false,
    dropReason: null,
    level: 'info',
    meaning: 'The named thing is not known here.',
  },
  'body-too-large': {
    httpStatus: 413,
    grpcStatus: 8,
    retryable: false,
    dropReason: null,
    level: 'info',
    meaning: 'The request body is larger than the configured limit.',
  },
  'no-endpoint': {
    httpStatus: 503,
    grpcStatus: 14,
    retryable: true,
    dropReason: 'rejected-no-endpoints',
    level: 'warn',
    meaning: 'No endpoint of the pool is ready.',
  },
  saturated: {
    httpStatus: 429,
    grpcStatus: 8,
    retryable: true,
    dropReason: 'rejected-saturated',
    level: 'info',
    meaning: 'Admission refused the request because the pool is saturated.',
  },
  'upstream-failed': {
    httpStatus: 502,
    grpcStatus: 14,
    retryable: true,
    dropReason: null,
    level: 'warn',
    meaning: 'The endpoint refused or broke the connection before an answer began.',
  },
  'upstream-timeout': {
    httpStatus: 504,
    grpcStatus: 4,
    retryable: true,
    dropReason: null,
    level: 'warn',
    meaning: 'The endpoint did not answer in time.',
  },
  'malformed-frame': {
    httpStatus: 500,
    grpcStatus: 13,
    retryable: false,
    dropReason: null,
    level: 'warn',
    meaning: 'An engine sent bytes that are not a valid event batch or replay frame.',
  },
  'tokenizer-unavailable': {
    httpStatus: 500,
    grpcStatus: 13,
    retryable: false,
    dropReason: null,
    level: 'warn',
    meaning: 'Tokenizer files are missing or not usable; prompts are matched approximately.',
  },
  'template-failed': {
    httpStatus: 500,
    grpcStatus: 13,
    retryable: false,
    dropReason: null,
    level: 'info',
    meaning: 'The chat template refused the conversation; the engine will refuse it too.',
  },
  'listen-failed': {
    httpStatus: 500,
    grpcStatus: 13,
    retryable: false,
    dropReason: null,
    level: 'error',
    meaning: 'A listener could not be opened, usually because the port is taken.',
  },
  unavailable: {
    httpStatus: 503,
    grpcStatus: 14,
    retryable: true,
    dropReason: null,
    level: 'warn',
    meaning: 'Something outside the process that is needed did not answer.',
  },
  'shutting-down': {
    httpStatus: 503,
    grpcStatus: 14,
    retryable: true,
    dropReason: 'rejected-shutting-down',
    level: 'info',
    meaning: 'The sidecar is draining and takes no new requests.',
  },
  internal: {
    httpStatus: 500,
    grpcStatus: 13,
    retryable: false,
    dropReason: null,
    level: 'error',
    meaning: 'A bug in the sidecar.',
  },
} as const satisfies Record<string, ErrorMeaning>;

/** Machine-readable name of a failure; a key of {@link errorTable}. */
export type ErrorCode = keyof typeof errorTable;

/** Plain, log-safe facts about a failure: never prompts, tokens, header values or credentials. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** The only error class. Its message starts with the code in brackets. */
export class SidecarError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SidecarError';
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Only entry for foreign failures: keeps a SidecarError as it is, wraps anything else under `fallbackCode`. */
  static from(failure: unknown, fallbackCode: ErrorCode): SidecarError {
    if (failure instanceof SidecarError) return failure;
    const message = failure instanceof Error ? failure.message : String(failure);
    return new SidecarError(fallbackCode, message, { cause: failure });
  }
}
