import { readFile } from 'node:fs/promises';
import { type Command, exitCodes, type FlagValues, numberFlag, textFlag, UsageError } from './command.ts';
import { type ReplayDocument, replayTable } from './replay-table.ts';

const defaultPolicies = ['round-robin', 'least-load', 'approximate', 'precise'];

const speedOf = (values: FlagValues): number => {
  const text = textFlag(values, 'speed') ?? '1';
  const speed = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || !(speed >= 0.01 && speed <= 100)) {
    throw new UsageError('--speed must be a number from 0.01 to 100');
  }
  return speed;
};

const policiesOf = (values: FlagValues): readonly string[] => {
  const given = values['policy'];
  return Array.isArray(given) ? [...new Set(given.map(String))] : defaultPolicies;
};

const worldOf = (values: FlagValues) => ({
  endpoints: numberFlag(values, { name: 'endpoints', min: 1, max: 256, fallback: 8 }),
  blockSize: numberFlag(values, { name: 'block-size', min: 1, max: 4096, fallback: 512 }),
  cacheTokens: numberFlag(values, { name: 'cache-tokens', min: 4096, max: 100_000_000, fallback: 450_000 }),
  maxBatchedTokens: numberFlag(values, { name: 'batch-tokens', min: 16, max: 1_000_000, fallback: 2048 }),
  maxRunningRequests: numberFlag(values, { name: 'running', min: 1, max: 10_000, fallback: 256 }),
  stepTimes: {
    prefillTokensPerSecond: numberFlag(values, { name: 'prefill-rate', min: 1, max: 10_000_000, fallback: 8000 }),
  },
  eventDelayMs: numberFlag(values, { name: 'event-delay', min: 0, max: 600_000, fallback: 50 }),
  scrapeIntervalMs: 1000,
});

/** `replay`: a public trace against policies in simulated time. */
export const replayCommand: Command = {
  name: 'replay',
  summary: 'replay a trace against policies in simulated time',
  usage: 'replay TRACE [--policy NAME…] [--endpoints 8] [--speed 1] [--json]',
  help: [
    'TRACE has one JSON object a line, as Mooncake published its own: {timestamp, input_length, output_length, hash_ids};',
    'equal hash_ids stand for equal blocks of prompts. The routing is what `serve` does; the engines are a model: a block',
    'pool that evicts what was not used for longest, chunked prefill, decoding in one batch. Nothing is sent anywhere.',
    '',
    '  --policy NAME       round-robin, least-load, approximate, precise (the default), random, or weighted scorers as',
    '                      precise-prefix-cache-scorer:3,queue-scorer:2; may be given several times (default: first four)',
    '  --endpoints N       engines (default 8)',
    '  --speed X           arrivals come X times as fast as in the trace (default 1)',
    '  --requests N        only the first N requests',
    '  --block-size N      tokens that one of hash_ids stands for (default 512)',
    '  --cache-tokens N    KV cache of an engine (default 450000)',
    '  --prefill-rate N    prompt tokens that an engine computes in a second (default 8000)',
    '  --batch-tokens N    tokens in one step (default 2048)',
    '  --running N         requests in one step (default 256)',
    '  --event-delay MS    how late cache events are known (default 50)',
    '  --seed N            of ties broken at random (default 1)',
    '  --json              print one JSON document',
  ].join('\n'),
  options: {
    policy: { type: 'string', multiple: true },
    endpoints: { type: 'string' },
    speed: { type: 'string' },
    requests: { type: 'string' },
    'block-size': { type: 'string' },
    'cache-tokens': { type: 'string' },
    'prefill-rate': { type: 'string' },
    'batch-tokens': { type: 'string' },
    running: { type: 'string' },
    'event-delay': { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
  },
  run: async (values, positionals, context) => {
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0) throw new UsageError('give one TRACE');
    const world = worldOf(values);
    const speed = speedOf(values);
    const seed = numberFlag(values, { name: 'seed', min: 0, max: 2 ** 31 - 1, fallback: 1 });
    const limit = numberFlag(values, { name: 'requests', min: 1, max: 100_000_000, fallback: 100_000_000 });
    // Loaded only here, so that other commands start quickly.
    const { parsePolicy, parseTrace, replayTrace } = await import('../app/index.ts');
    const policies = policiesOf(values).map(parsePolicy);
    const text = await readFile(path, 'utf8').catch((failure: NodeJS.ErrnoException) => {
      throw new UsageError(`${path} cannot be read: ${failure.code ?? failure.message}`);
    });
    const trace = parseTrace(text, world).slice(0, limit);
    const results: ReplayDocument['policies'][number][] = [];
    for (const policy of policies) {
      context.printError(`${policy.name}: ${trace.length} requests`);
      const figures = await replayTrace(trace, { policy, world, speed, seed, signal: context.signal });
      if (figures === null) break;
      results.push(figures);
    }
    const document: ReplayDocument = { trace: path, speed, seed, world, policies: results };
    context.print(values['json'] === true ? JSON.stringify(document) : replayTable(document));
    return exitCodes.done;
  },
};
