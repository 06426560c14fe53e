import type { LogFields } from '../core/index.ts';

/** One line as it is written. */
export interface LogLine {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** One JSON object a line: `at`, `level`, `message`, then the fields; a field of those three names gives way. */
export const jsonLine = ({ at, level, message, fields }: LogLine): string =>
  JSON.stringify({ at, level, message, ...fields, ...collisions({ at, level, message }, fields) });

const collisions = (core: LogFields, fields: LogFields): LogFields =>
  Object.keys(core).some((name) => name in fields) ? core : {};

const plainWord = /^[^\s"=]+$/;

const valueText = (value: LogFields[string]): string =>
  typeof value === 'string' && plainWord.test(value) ? value : JSON.stringify(value);

/** For a person at a terminal: time of day, level, message, `name=value` for each field. */
export const prettyLine = ({ at, level, message, fields }: LogLine): string => {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  const text = pairs.map(([name, value]) => `${name}=${valueText(value)}`).join(' ');
  return `${at.slice(11, 23)} ${level.padEnd(5)} ${message}${text === '' ? '' : `  ${text}`}`;
};
