/**
 * logging: the Logger port over winston.
 * Written to by every room through core's Logger port.
 * Read by nobody; lines go to the stream handed in, usually standard error.
 * Promises lines in the order of the calls, and no value under a name that may hold a credential or a prompt.
 * The JSON lines are this project's own: at, level, message, then the fields.
 */
export { type ClosableLogger, createLogger, type LoggingOptions, type LogLevel } from './create-logger.ts';
