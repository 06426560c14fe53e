import type { ParseArgsOptionsConfig } from 'node:util';

/** Process exit codes, after sysexits.h where it has one. */
export const exitCodes = {
  done: 0,
  /** A check failed (`doctor`). */
  failed: 1,
  /** Wrong usage or configuration. */
  usage: 64,
  /** Something that is needed is not there: port taken, API server unreachable at start. */
  unavailable: 69,
  /** A bug. */
  bug: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a command may touch of the process; tests hand in their own. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Writes one line to standard output. */
  print(line: string): void;
  /** Writes one line to standard error. */
  printError(line: string): void;
  /** Whether standard error is a terminal that can redraw a line. */
  readonly isTerminal: boolean;
  /** Replaces the line last redrawn on standard error; the last one stays. */
  redrawError(line: string, isLast: boolean): void;
}

/** Flags as given, by long name. */
export type FlagValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Text of `--help` after the usage line. */
  readonly help: string;
  /** Usage line without the program's name. */
  readonly usage: string;
  readonly options: ParseArgsOptionsConfig;
  run(values: FlagValues, positionals: readonly string[], context: CommandContext): Promise<ExitCode>;
}

/** A mistake in how a command was called; ends the process with exit code 64. */
export class UsageError extends Error {}

/** A flag's text, or undefined where it was not given. */
export const textFlag = (values: FlagValues, name: string): string | undefined => {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
};

/** A flag's whole number within bounds, or `fallback` where it was not given. Throws UsageError. */
export const numberFlag = (
  values: FlagValues,
  options: { readonly name: string; readonly min: number; readonly max: number; readonly fallback: number },
): number => {
  const text = textFlag(values, options.name);
  if (text === undefined) return options.fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < options.min || value > options.max) {
    throw new UsageError(`--${options.name} must be a whole number from ${options.min} to ${options.max}`);
  }
  return value;
};

/** Resolves once the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
