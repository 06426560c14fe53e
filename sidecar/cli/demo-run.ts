import {
  buildApp,
  type ComparedPolicy,
  comparedLoad,
  comparedPolicies,
  measurePolicy,
  type PolicyFigures,
  startEngines,
} from '../app/index.ts';
import { type Config, parseConfig } from '../config/index.ts';
import { type EngineTokenizer, loadTinyQwen, tinyQwenFolder } from '../simulator/index.ts';
import { aborted, type CommandContext } from './command.ts';

const model = 'tiny-qwen';

type StartedEngines = Awaited<ReturnType<typeof startEngines>>;

/** A configuration in front of started engines, as an operator would write it. */
const configFor = (
  { addresses }: StartedEngines,
  options: { readonly scheduling: unknown; readonly port: number; readonly adminPort: number },
): Config =>
  parseConfig(
    {},
    JSON.stringify({
      pools: [
        {
          name: 'demo',
          tokenizer: tinyQwenFolder,
          scheduling: options.scheduling,
          discovery: {
            static: addresses.map(({ address, eventsAddress, replayAddress }, index) => ({
              name: `engine-${index + 1}`,
              address,
              events: eventsAddress,
              ...(replayAddress === null ? {} : { replay: replayAddress }),
            })),
          },
        },
      ],
      gateways: { proxy: { listen: `127.0.0.1:${options.port}` } },
      admin: { listen: `127.0.0.1:${options.adminPort}` },
      log: { level: 'warn', format: 'pretty' },
      drainMs: 2000,
    }),
  ).config;

const comparePolicy = async (
  policy: ComparedPolicy,
  options: {
    readonly replicas: number;
    readonly tokenizer: EngineTokenizer;
    readonly context: CommandContext;
    readonly onProgress: (done: number) => void;
  },
): Promise<PolicyFigures> => {
  const engines = await startEngines(options.replicas, { tokenizer: options.tokenizer, model });
  const app = buildApp(configFor(engines, { scheduling: policy.scheduling, port: 0, adminPort: 0 }));
  try {
    const listening = await app.start();
    await app.ready();
    let done = 0;
    return await measurePolicy({
      url: `http://${listening['proxy']}`,
      model,
      load: comparedLoad,
      signal: options.context.signal,
      onSample: () => options.onProgress(++done),
    });
  } finally {
    await app.stop();
    await engines.stop();
  }
};

const columns = ['policy', 'hit ratio', 'TTFT mean', 'TTFT p90', 'requests/s', 'predictions right'];

const row = (name: string, figures: PolicyFigures): readonly string[] => [
  name,
  `${(100 * figures.hitRatio).toFixed(1)} %`,
  `${figures.ttftMeanMs.toFixed(0)} ms`,
  `${figures.ttftP90Ms.toFixed(0)} ms`,
  figures.requestsPerSecond.toFixed(1),
  name === 'precise' ? `${figures.predictions.exact} of ${figures.predictions.total}` : '',
];

const table = (results: readonly (readonly [string, PolicyFigures])[]): string => {
  const rows = [columns, ...results.map(([name, figures]) => row(name, figures))];
  const widths = columns.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const progressPrinter = (context: CommandContext) => {
  const total = comparedLoad.conversations * comparedLoad.turns;
  let shown = 0;
  return (name: string, done: number): void => {
    const line = `${name.padEnd(12)} ${String(done).padStart(3)} of ${total} requests`;
    if (context.isTerminal) context.redrawError(line, done === total);
    else if (done - shown >= total / 4 || done === total || done < shown) {
      shown = done;
      context.printError(line);
    }
  };
};

const curlExample = (port: string): string =>
  `curl -i http://${port}/v1/chat/completions -H 'content-type: application/json' \\
  -d '{"model":"${model}","messages":[{"role":"system","content":"You are a patient guide to a large museum with forty rooms, each with a theme, a guard and a story of its own."},{"role":"user","content":"Where do I begin?"}]}'`;

const keepServing = async (
  options: { readonly replicas: number; readonly port: number; readonly context: CommandContext },
  tokenizer: EngineTokenizer,
): Promise<void> => {
  const { context } = options;
  const engines = await startEngines(options.replicas, { tokenizer, model });
  const app = buildApp(configFor(engines, { scheduling: {}, port: options.port, adminPort: 9090 }));
  try {
    const listening = await app.start();
    await app.ready();
    const proxy = listening['proxy'] ?? '';
    context.print(
      [
        '',
        `Serving on http://${proxy} (admin: http://${listening['admin']}). Ask twice; the second answer comes from the cache:`,
        '',
        curlExample(proxy),
        '',
        `Then: npm run warmroute -- explain --admin http://${listening['admin']} <x-warmroute-decision>`,
        'Ctrl-C ends it.',
      ].join('\n'),
    );
    await aborted(context.signal);
  } finally {
    await app.stop();
    await engines.stop();
  }
};

/** Compares the policies one after the other, prints the table, and serves on unless told otherwise. */
export const runDemo = async (options: {
  readonly replicas: number;
  readonly port: number;
  readonly format: 'table' | 'json';
  readonly keepsServing: boolean;
  readonly context: CommandContext;
}): Promise<void> => {
  const { replicas, port, format, keepsServing, context } = options;
  const tokenizer = await loadTinyQwen();
  const progress = progressPrinter(context);
  const results: (readonly [string, PolicyFigures])[] = [];
  for (const policy of comparedPolicies) {
    const onProgress = (done: number) => progress(policy.name, done);
    const figures = await comparePolicy(policy, { replicas, tokenizer, context, onProgress });
    results.push([policy.name, figures]);
  }
  context.print(format === 'json' ? JSON.stringify({ policies: Object.fromEntries(results) }) : `\n${table(results)}`);
  if (keepsServing) await keepServing({ replicas, port, context }, tokenizer);
};
