import { aborted, type Command, exitCodes, numberFlag, textFlag, UsageError } from './command.ts';

/** `engine`: one embedded engine as a process of its own. */
export const engineCommand: Command = {
  name: 'engine',
  summary: 'run one embedded engine, for trying things without a GPU',
  usage: 'engine --port N [--events tcp://*:5557] [--replay tcp://*:5657] [--blocks N] [--block-size N] [--model NAME]',
  help: [
    'Behaves like vLLM 0.32 as seen from outside: OpenAI API, KV events, replay, metrics; its answers are random words.',
    '',
    '  --port N          port of the OpenAI API on 127.0.0.1 (0: a free one)',
    '  --events ADDRESS  where KV events are published (default: a free port)',
    '  --replay ADDRESS  where missed events can be asked for (default: a free port)',
    '  --blocks N        KV-cache blocks (default 2049)',
    '  --block-size N    tokens a block (default 16)',
    '  --model NAME      served model name (default tiny-qwen)',
  ].join('\n'),
  options: {
    port: { type: 'string' },
    events: { type: 'string' },
    replay: { type: 'string' },
    blocks: { type: 'string' },
    'block-size': { type: 'string' },
    model: { type: 'string' },
  },
  run: async (values, positionals, context) => {
    if (positionals.length > 0 || textFlag(values, 'port') === undefined) throw new UsageError('give --port N');
    const events = textFlag(values, 'events');
    const replay = textFlag(values, 'replay');
    const model = textFlag(values, 'model');
    const { createEngine, loadTinyQwen } = await import('../simulator/index.ts');
    const engine = createEngine({
      tokenizer: await loadTinyQwen(),
      port: numberFlag(values, { name: 'port', min: 0, max: 65_535, fallback: 0 }),
      blocks: numberFlag(values, { name: 'blocks', min: 2, max: 10_000_000, fallback: 2049 }),
      blockSize: numberFlag(values, { name: 'block-size', min: 1, max: 8192, fallback: 16 }),
      ...(events === undefined ? {} : { eventsAddress: events }),
      ...(replay === undefined ? {} : { replayAddress: replay }),
      ...(model === undefined ? {} : { model }),
    });
    try {
      const { address, eventsAddress, replayAddress } = await engine.start();
      context.print(JSON.stringify({ ready: true, address, events: eventsAddress, replay: replayAddress }));
      await aborted(context.signal);
    } finally {
      await engine.stop();
    }
    return exitCodes.done;
  },
};
