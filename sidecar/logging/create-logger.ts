import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createLogger as createWinston, format, transports } from 'winston';
import type { Clock, LogFields, Logger } from '../core/index.ts';
import { jsonLine, prettyLine } from './formats.ts';
import { redact } from './redaction.ts';

/** Levels from the most to the least urgent; each includes those before it. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Where and how to log. */
export interface LoggingOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for collectors; `pretty`: for a terminal. */
  readonly format: 'json' | 'pretty';
  /** Usually standard error; never closed. */
  readonly stream: Writable;
  readonly clock: Pick<Clock, 'wallNow'>;
}

/** A logger whose lines can be waited for. */
export interface ClosableLogger extends Logger {
  /** Resolves when every line is handed to the stream; later lines are dropped. */
  close(): Promise<void>;
}

const levels: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** Creates the process's logger. Values of suspicious field names are redacted; a line below the level costs a compare. */
export const createLogger = (options: LoggingOptions): ClosableLogger => {
  const { level: threshold, stream, clock } = options;
  const toLine = options.format === 'json' ? jsonLine : prettyLine;
  const winston = createWinston({
    levels: { ...levels },
    level: threshold,
    format: format.printf(({ message }) => String(message)),
    transports: [new transports.Stream({ stream, eol: '\n' })],
  });

  let isClosed = false;

  const loggerWith = (bound: LogFields): Logger => {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (levels[level] > levels[threshold] || isClosed) return;
        const all = fields === undefined ? bound : { ...bound, ...redact(fields) };
        const line = toLine({ at: new Date(clock.wallNow()).toISOString(), level, message, fields: all });
        winston.log({ level, message: line });
      };
    return {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      child: (fields) => loggerWith({ ...bound, ...redact(fields) }),
    };
  };

  return {
    ...loggerWith({}),
    close: async () => {
      isClosed = true;
      const finished = once(winston, 'finish');
      winston.end();
      await finished;
    },
  };
};
