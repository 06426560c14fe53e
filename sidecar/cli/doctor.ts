import { readFile } from 'node:fs/promises';
import { type Config, parseConfig } from '../config/index.ts';
import { SidecarError } from '../core/index.ts';
import { type Command, type CommandContext, exitCodes, textFlag, UsageError } from './command.ts';
import { ask } from './doctor/ask.ts';
import { checkLine, countChecks } from './doctor/check.ts';

const readConfig = async (path: string, context: CommandContext): Promise<Config> => {
  const text = await readFile(path, 'utf8').catch((failure: unknown) => {
    throw new UsageError(`${path} cannot be read: ${failure instanceof Error ? failure.message : String(failure)}`);
  });
  return parseConfig(context.env, text).config;
};

/** Whether a sidecar answers at an admin address. */
const isRunning = async (admin: string, signal: AbortSignal): Promise<boolean> => {
  const answer = await ask(`${admin}/healthz`, { signal });
  return answer.kind === 'answered' && answer.status === 200;
};

const adminOf = async (
  given: string | undefined,
  config: Config | null,
  signal: AbortSignal,
): Promise<string | null> => {
  if (given !== undefined) {
    const admin = URL.parse(given)?.origin;
    if (admin === undefined || admin === 'null')
      throw new UsageError('--admin must be a URL, as http://127.0.0.1:9090');
    if (await isRunning(admin, signal)) return admin;
    throw new SidecarError('unavailable', `${admin} does not answer; is the sidecar running with this admin address?`);
  }
  if (config === null || config.admin.listen.endsWith(':0')) return null;
  const admin = `http://${config.admin.listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}`;
  return (await isRunning(admin, signal)) ? admin : null;
};

/** `doctor`: proves each hop between requests, engines and their events, one line a check. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'prove each hop, with the mend for each that fails',
  usage: 'doctor [--config FILE] [--admin URL] [--probe] [--json]',
  help: [
    'Works on a configuration file, on a running sidecar, or on both. Exits 1 where a check failed.',
    '',
    '  --config FILE  configuration whose pools and gateways are looked at',
    '  --admin URL    admin listener of a running sidecar; default: the one in the configuration, if it answers',
    '  --probe        send each engine one tiny prompt twice, and watch for its event and its cached tokens',
    '  --json         print one JSON document',
  ].join('\n'),
  options: {
    config: { type: 'string', short: 'c' },
    admin: { type: 'string' },
    probe: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (values, positionals, context) => {
    const path = textFlag(values, 'config');
    const given = textFlag(values, 'admin');
    if (positionals.length > 0 || (path === undefined && given === undefined)) {
      throw new UsageError('give --config FILE, --admin URL, or both');
    }
    const { signal } = context;
    const config = path === undefined ? null : await readConfig(path, context);
    const admin = await adminOf(given, config, signal);
    // Loaded only here, so that other commands start quickly.
    const { examine } = await import('./doctor/examine.ts');
    const checks = await examine({ config, admin, mayProbe: values['probe'] === true }, signal);
    const counts = countChecks(checks);
    const isWell = counts.failed === 0;
    if (values['json'] === true) {
      context.print(JSON.stringify({ ok: isWell, counts, checks }));
    } else {
      for (const check of checks) context.print(checkLine(check));
      const { passed, failed, warning, skipped } = counts;
      context.print(`${passed} passed, ${failed} failed, ${warning} warnings, ${skipped} skipped`);
    }
    return isWell ? exitCodes.done : exitCodes.failed;
  },
};
