import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers of ProcessingMode.BodySendMode. */
export const bodyModes = { NONE: 0, STREAMED: 1, BUFFERED: 2, BUFFERED_PARTIAL: 3, FULL_DUPLEX_STREAMED: 4 } as const;

/** One step of a vector: a message to send, or an answer that must come next. */
export interface Step {
  readonly send?: string;
  readonly expect?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `end_of_stream` of what is sent; where a body must end, of what is expected. */
  readonly end?: boolean | 'body' | 'trailers';
  readonly requestBodyMode?: keyof typeof bodyModes;
  readonly responseBodyMode?: keyof typeof bodyModes;
  readonly sendsBodyAhead?: boolean;
  /** False: no protocol_config. */
  readonly announces?: boolean;
  /** Header values in `value` in place of `raw_value`. */
  readonly asValue?: boolean;
  readonly subset?: string | readonly string[];
  readonly served?: string;
  readonly text?: string;
  readonly prefix?: string;
  readonly bytes?: number;
  readonly suffix?: string;
  readonly in?: string;
  readonly from?: readonly string[];
  readonly part?: string;
  readonly maxPieceBytes?: number;
  /** JSON that the request's body must have become, where that is not what was sent. */
  readonly becomes?: string;
  readonly status?: number;
  readonly droppedReason?: string;
  readonly code?: number;
}

/** One rule of the protocol as a dialogue. `$1` and `$2` are endpoints of the pool, `$picked` the one that was picked. */
export interface Vector {
  readonly name: string;
  /** Where the rule comes from. */
  readonly rule: string;
  readonly steps: readonly Step[];
}

/** Every vector by its file, in order. */
export const loadVectors = (): readonly { readonly file: string; readonly vectors: readonly Vector[] }[] =>
  readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((file) => {
      const vectors: readonly Vector[] = JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
      return { file, vectors };
    });
