import { parseArgs } from 'node:util';
import { SidecarError } from '../core/index.ts';
import { type Command, type CommandContext, type ExitCode, exitCodes, UsageError } from './command.ts';

const overview = (commands: readonly Command[]): string =>
  [
    'warmroute: sends each LLM request to the replica that already holds its beginning',
    '',
    'usage: warmroute COMMAND [flags]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`),
    '',
    'Every command has --help.',
  ].join('\n');

const commandHelp = (command: Command): string =>
  [`usage: warmroute ${command.usage}`, '', command.summary, ...(command.help === '' ? [] : ['', command.help])].join(
    '\n',
  );

const exitCodeOf = (error: SidecarError): ExitCode => {
  switch (error.code) {
    case 'invalid-argument':
    case 'invalid-config':
      return exitCodes.usage;
    case 'listen-failed':
    case 'unavailable':
    case 'not-found':
      return exitCodes.unavailable;
    default:
      return exitCodes.bug;
  }
};

const isParseArgsError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');

/** Finds and runs the command that `argv` (without program and script) names. Never throws. */
export const runCommand = async (
  commands: readonly Command[],
  argv: readonly string[],
  context: CommandContext,
): Promise<ExitCode> => {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    context.print(overview(commands));
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    context.printError(`warmroute: there is no command "${name}"\n\n${overview(commands)}`);
    return exitCodes.usage;
  }
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    });
    if (values['help'] === true) {
      context.print(commandHelp(command));
      return exitCodes.done;
    }
    return await command.run(values, positionals, context);
  } catch (failure) {
    if (failure instanceof UsageError || isParseArgsError(failure)) {
      context.printError(`warmroute ${name}: ${failure.message}\nusage: warmroute ${command.usage}`);
      return exitCodes.usage;
    }
    const error = SidecarError.from(failure, 'internal');
    context.printError(`warmroute ${name}: ${error.message}`);
    const { mistakes } = error.details;
    if (Array.isArray(mistakes)) for (const mistake of mistakes) context.printError(`  ${mistake}`);
    if (error.code === 'internal' && failure instanceof Error && failure.stack) context.printError(failure.stack);
    return exitCodeOf(error);
  }
};
