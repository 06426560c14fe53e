import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/index.ts';

/** Longest body kept where nothing else is configured: 32 MiB. */
export const defaultBodyLimitBytes = 33_554_432;

/** What was received of a request's body. `bytes` is null where there is no body or nothing of it came. */
export type ReceivedBody =
  | { readonly kind: 'whole'; readonly bytes: Buffer | null }
  | { readonly kind: 'cut'; readonly bytes: Buffer | null; readonly why: 'limit' | 'deadline' }
  | { readonly kind: 'aborted' };

/** Bounds of one body. */
export interface BodyBounds {
  /** Bytes kept. */
  readonly limitBytes: number;
  /** How long to wait for the end, from the call on; absent: as long as the server allows. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

/** The body's length by `content-length`, null where the header is absent. */
export const declaredBytes = (request: IncomingMessage): number | null => {
  const length = request.headers['content-length'];
  return length === undefined ? null : Number(length);
};

const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || (declaredBytes(request) ?? 0) > 0;

const joined = (chunks: readonly Buffer[]): Buffer | null => {
  const [first] = chunks;
  if (first === undefined) return null;
  return chunks.length === 1 ? first : Buffer.concat(chunks);
};

/**
 * Reads a body up to its bounds: the first `limitBytes` of a longer one, or what came before the deadline. What comes
 * later is read and thrown away, so that a client that writes before it reads gets its answer; the server's
 * `requestTimeout` ends a body that never ends.
 */
export const readBody = (request: IncomingMessage, bounds: BodyBounds): Promise<ReceivedBody> => {
  if (!hasBody(request)) return Promise.resolve({ kind: 'whole', bytes: null });
  const { limitBytes, deadlineMs, clock } = bounds;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let receivedBytes = 0;
    let isSettled = false;
    let cancelDeadline = (): void => {};
    const settle = (body: ReceivedBody): void => {
      if (isSettled) return;
      isSettled = true;
      cancelDeadline();
      resolve(body);
    };
    if (deadlineMs !== undefined) {
      cancelDeadline = clock.schedule(deadlineMs, () =>
        settle({ kind: 'cut', bytes: joined(chunks), why: 'deadline' }),
      );
    }
    request.on('data', (chunk: Buffer) => {
      if (isSettled) return;
      receivedBytes += chunk.length;
      if (receivedBytes <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      const keptBytes = limitBytes - (receivedBytes - chunk.length);
      if (keptBytes > 0) chunks.push(chunk.subarray(0, keptBytes));
      settle({ kind: 'cut', bytes: joined(chunks), why: 'limit' });
    });
    request.on('end', () => settle({ kind: 'whole', bytes: joined(chunks) }));
    request.on('error', () => settle({ kind: 'aborted' }));
    request.on('close', () => settle({ kind: 'aborted' }));
  });
};
