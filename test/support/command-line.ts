import { commands, runCommand } from '../../sidecar/cli/index.ts';

/** What a command did. */
export interface CommandOutcome {
  readonly exitCode: number;
  readonly output: string;
  readonly errorOutput: string;
}

/** Runs a command in this process. */
export const runCommandLine = async (...argv: readonly string[]): Promise<CommandOutcome> => {
  const lines: string[] = [];
  const errorLines: string[] = [];
  const exitCode = await runCommand(commands, argv, {
    env: {},
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    printError: (line) => errorLines.push(line),
    isTerminal: false,
    redrawError: () => {},
  });
  return { exitCode, output: lines.join('\n'), errorOutput: errorLines.join('\n') };
};
