/**
 * Process entry: arguments, signals, exit code. The only file that touches the process. The first SIGINT or SIGTERM asks
 * the command to finish; the second ends the process at once.
 */
import { commands, runCommand } from './cli/index.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping.abort();
  });
}

// A reader that went away (`warmroute … | head`) ends the command, not with a stack trace.
process.stdout.on('error', () => process.exit(0));

// What a command waits for may be a timer that does not keep the process alive.
setInterval(() => {}, 2 ** 30);

process.exitCode = await runCommand(commands, process.argv.slice(2), {
  env: process.env,
  signal: stopping.signal,
  print: (line) => process.stdout.write(`${line}\n`),
  printError: (line) => process.stderr.write(`${line}\n`),
  isTerminal: process.stderr.isTTY === true,
  redrawError: (line, isLast) => process.stderr.write(`\r${line}\u001b[K${isLast ? '\n' : ''}`),
});
// Timers of libraries must not keep a finished command alive.
process.exit();
