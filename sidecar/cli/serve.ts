import { readFile } from 'node:fs/promises';
import { parseConfig } from '../config/index.ts';
import { SidecarError } from '../core/index.ts';
import { aborted, type Command, exitCodes, type FlagValues, textFlag, UsageError } from './command.ts';

const readConfigFile = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (failure) {
    throw new SidecarError('invalid-config', `${path} cannot be read`, {
      cause: failure,
      details: { mistakes: [failure instanceof Error ? failure.message : String(failure)] },
    });
  }
};

/** Peers given as flags, in the form of the environment, which goes before the file. */
const peersFromFlags = (values: FlagValues): Readonly<Record<string, string>> => {
  const { peer } = values;
  return Array.isArray(peer) ? { WARMROUTE_WARM_START_PEERS: peer.join(',') } : {};
};

/** `serve`: runs the sidecar until a signal, then drains. */
export const serveCommand: Command = {
  name: 'serve',
  summary: 'run the sidecar',
  usage: 'serve --config FILE [--peer URL …]',
  help: [
    'Prints one JSON line when it is listening; logs go to standard error.',
    'The first SIGTERM or SIGINT drains and exits 0; a second one exits at once.',
    '',
    '  --config FILE   YAML or JSON; WARMROUTE_… environment variables override it',
    '  --peer URL      admin URL of another sidecar of the same endpoints, to be asked what it knows; may be repeated',
    '  --check         read the configuration, list every mistake, and exit',
  ].join('\n'),
  options: {
    config: { type: 'string', short: 'c' },
    check: { type: 'boolean' },
    peer: { type: 'string', multiple: true },
  },
  run: async (values, positionals, context) => {
    const path = textFlag(values, 'config');
    if (path === undefined || positionals.length > 0) throw new UsageError('give --config FILE');
    const env = { ...context.env, ...peersFromFlags(values) };
    const { config, warnings } = parseConfig(env, await readConfigFile(path));
    if (values['check'] === true) {
      for (const warning of warnings) context.printError(`warning: ${warning}`);
      context.print('the configuration is valid');
      return exitCodes.done;
    }
    // Loaded only here, so that other commands start quickly.
    const { buildApp } = await import('../app/index.ts');
    const app = buildApp(config);
    try {
      for (const warning of warnings) app.logger.warn(warning);
      const listening = await app.start();
      context.print(JSON.stringify({ ready: app.isReady(), listening }));
      await Promise.race([aborted(context.signal), app.synced().then(() => aborted(context.signal))]);
    } finally {
      await app.stop();
    }
    return exitCodes.done;
  },
};
