import { type Command, exitCodes, numberFlag, UsageError } from './command.ts';

/** `demo`: what `npm start` runs. */
export const demoCommand: Command = {
  name: 'demo',
  summary: 'compare four policies on two embedded engines, then keep serving',
  usage: 'demo [--replicas 2] [--port 8080] [--exit] [--json]',
  help: [
    'Round robin, least load, approximate and precise routing under the same multi-turn chats: same seeds, same arrivals.',
    'The chats share system prompts; together they fit the caches of two engines, but not of one.',
    '',
    '  --replicas N   embedded engines (default 2)',
    '  --port N       where to keep serving (default 8080)',
    '  --exit         end after the comparison',
    '  --json         print one JSON document (implies --exit)',
  ].join('\n'),
  options: {
    replicas: { type: 'string' },
    port: { type: 'string' },
    exit: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (values, positionals, context) => {
    if (positionals.length > 0) throw new UsageError('takes no arguments');
    const replicas = numberFlag(values, { name: 'replicas', min: 1, max: 16, fallback: 2 });
    const port = numberFlag(values, { name: 'port', min: 0, max: 65_535, fallback: 8080 });
    const isJson = values['json'] === true;
    // Loaded only here, so that other commands start quickly.
    const { runDemo } = await import('./demo-run.ts');
    await runDemo({
      replicas,
      port,
      format: isJson ? 'json' : 'table',
      keepsServing: !isJson && values['exit'] !== true,
      context,
    });
    return exitCodes.done;
  },
};
