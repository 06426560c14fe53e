import type { IncomingMessage } from 'node:http';
import { SidecarError } from '../../core/index.ts';
import type { WatchEvent } from './api.ts';

/** One page of a list is far below this; a line of a watch is one object, 1.5 MB at most in etcd. */
const LONGEST_BODY_BYTES = 256 * 1024 * 1024;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const watchTypes: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

const isWatchEvent = (value: unknown): value is WatchEvent => isRecord(value) && watchTypes.has(value['type']);

/** A JSON text or a parsed value as an object; `unavailable` where a text holds something else. */
export const jsonObject = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value !== 'string') return isRecord(value) ? value : {};
  const parsed: unknown = JSON.parse(value);
  if (!isRecord(parsed)) throw new SidecarError('unavailable', 'the API server sent something other than an object');
  return parsed;
};

/** Reads a whole body as UTF-8. */
export const readBody = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > LONGEST_BODY_BYTES) throw new SidecarError('unavailable', 'the API server sent too long an answer');
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/**
 * Calls `onEvent` for each line of a watch (one JSON object each), in order, until the server ends the body in good order.
 * Rejects with `unavailable` where the connection breaks or a line is not JSON. Lines of unknown types are passed over.
 */
export const readWatchLines = async (
  response: IncomingMessage,
  onEvent: (event: WatchEvent) => void,
): Promise<void> => {
  response.setEncoding('utf8');
  let pending = '';
  try {
    for await (const chunk of response) {
      const lines = (pending + String(chunk)).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        const event: unknown = line === '' ? null : JSON.parse(line);
        if (isWatchEvent(event)) onEvent(event);
      }
    }
  } catch (cause) {
    throw SidecarError.from(cause, 'unavailable');
  }
};
