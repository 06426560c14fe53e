/**
 * cli: one file a command: parse flags, call a room, print.
 * Written to by nobody.
 * Read by `main.ts`, which hands in the process.
 * Promises the exit codes of `command.ts` and, with --json, one JSON document and nothing else on standard output.
 * Flags follow POSIX long options; exit codes sysexits.h.
 */
import type { Command } from './command.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { engineCommand } from './engine.ts';
import { explainCommand } from './explain.ts';
import { replayCommand } from './replay.ts';
import { serveCommand } from './serve.ts';

export { runCommand } from './run-command.ts';

/** Every command, in the order of the overview. */
export const commands: readonly Command[] = [
  serveCommand,
  demoCommand,
  engineCommand,
  doctorCommand,
  explainCommand,
  replayCommand,
];
