import { describe, expect, it } from '@jest/globals';
import { Dealer } from 'zeromq';
import {
  createEngine,
  type EngineOptions,
  loadTinyQwen,
  type TokenSource,
  type VllmVersion,
} from '../../sidecar/simulator/index.ts';
import { tapEvents } from '../support/engine-harness.ts';
import {
  decodeBatch,
  type RecordedExchange,
  readExchanges,
  readMessages,
  readRecording,
} from '../support/engine-recordings.ts';

/**
 * The requests that were sent to real vLLM, sent byte for byte to the embedded engine, in the same order on one engine, as
 * the recordings were made: every batch must have the same events with the same fields, tokens and links.
 *
 * Differences allowed: times; hash values (each stream's hashes are numbered by first appearance, so parents, duplicates
 * and removals must match exactly); and generated tokens are forced to be the recorded ones.
 */
const folders: Readonly<Record<VllmVersion, string>> = { '0.23.0': 'v0.23.0-array', '0.32.0': 'v0.32.0-map' };

const tokenizer = await loadTinyQwen();

/** Replaces every hash by its order of first appearance in the stream, leaving all else as decoded. */
const numberHashes = () => {
  const numbers = new Map<bigint, string>();
  const visit = (value: unknown): unknown => {
    if (typeof value === 'bigint') {
      const known = numbers.get(value) ?? `hash ${numbers.size}`;
      numbers.set(value, known);
      return known;
    }
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    return Object.entries(value).map(([key, item]) => [key, visit(item)]);
  };
  return visit;
};

/** Events and rank of a batch; its time is left out. */
const contentOf = (payload: Buffer): unknown => {
  const batch = decodeBatch(payload);
  if (!Array.isArray(batch)) throw new Error('a batch is an array');
  expect(typeof batch[0]).toBe('number');
  return batch.slice(1);
};

/** Generates what was recorded: one list of tokens a sequence, in order of submission. */
const createRecordedSource = () => {
  const outputs: (readonly number[])[] = [];
  const source: TokenSource = () => {
    const output = outputs.shift() ?? [];
    return (index) => output[index] ?? 0;
  };
  return { outputs, source };
};

const startRecordedEngine = async (version: VllmVersion, options: Partial<EngineOptions> = {}) => {
  const { outputs, source } = createRecordedSource();
  const engine = createEngine({
    tokenizer,
    version,
    model: 'tiny',
    blocks: 66,
    blockSize: 32,
    maxModelTokens: 2048,
    maxRunningRequests: 8,
    timeScale: 0,
    tokenSource: source,
    ...options,
  });
  const { address, eventsAddress, replayAddress, ranks } = await engine.start();
  const send = async (exchange: RecordedExchange) => {
    const { path, body } = exchange;
    outputs.push(exchange.outputTokenIds ?? []);
    const response = await fetch(`http://${address}${path}`, {
      method: exchange.method,
      headers: { 'content-type': 'application/json', ...exchange.headers },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    outputs.length = 0;
    const answer: unknown = text === '' ? null : JSON.parse(text);
    return { status: response.status, answer };
  };
  return { engine, address, eventsAddress, replayAddress, ranks, send };
};

const expectAnswer = (exchange: RecordedExchange, answered: { readonly status: number; readonly answer: unknown }) => {
  expect([exchange.note, answered.status]).toEqual([exchange.note, exchange.status]);
  if (exchange.usage !== null) expect(answered.answer).toMatchObject({ usage: exchange.usage });
  if (exchange.path === '/v1/chat/completions' && exchange.promptTokenIds !== null) {
    expect(answered.answer).toMatchObject({ prompt_token_ids: exchange.promptTokenIds });
  }
  if (exchange.error !== null) expect(answered.answer).toEqual({ error: exchange.error });
};

const scenarios: Readonly<Record<VllmVersion, readonly string[]>> = {
  '0.23.0': ['a_prefix', 'h_exact_blocks', 'd_salt', 'b_eviction', 'c_reset'],
  '0.32.0': [
    'a_prefix',
    'h_exact_blocks',
    'd_salt',
    'b_eviction',
    'c_reset',
    'i_full_report_session',
    'k_request_side',
  ],
};

describe.each(['0.23.0', '0.32.0'] as const)('an engine like vLLM %s', (version) => {
  it('answers the recorded requests with the recorded usage and events', async () => {
    const { engine, eventsAddress, send } = await startRecordedEngine(version);
    await using _engine = engine;
    await using tap = await tapEvents(engine, eventsAddress);
    const numberRecorded = numberHashes();
    const numberOwn = numberHashes();
    for (const scenario of scenarios[version]) {
      const recorded = readMessages(`${folders[version]}/${scenario}`);
      for (const exchange of readExchanges(`${folders[version]}/${scenario}`))
        expectAnswer(exchange, await send(exchange));
      const before = recorded[0]?.sequence ?? tap.messages.length;
      const own = (await tap.received((engine.lastSequence() ?? -1) + 1)).slice(before);
      expect(own.map(({ sequence }) => sequence)).toEqual(recorded.map(({ sequence }) => sequence));
      expect(own.map(({ payload }) => numberOwn(contentOf(payload)))).toEqual(
        recorded.map(({ payload }) => numberRecorded(contentOf(payload))),
      );
    }
  });
});

describe('an engine like vLLM 0.32.0', () => {
  /** Everything that was sent to one server before its metrics were read and it was restarted. */
  const sendAll = async (send: (exchange: RecordedExchange) => Promise<unknown>) => {
    for (const scenario of scenarios['0.32.0']) {
      for (const exchange of readExchanges(`v0.32.0-map/${scenario}`)) await send(exchange);
    }
  };

  it('counts what the recorded server counted', async () => {
    const { engine, address, send } = await startRecordedEngine('0.32.0');
    await using _engine = engine;
    await sendAll(send);
    const recorded = readRecording('v0.32.0-map/metrics.txt').split('\n');
    const own = (await (await fetch(`http://${address}/metrics`)).text()).split('\n');
    const readSeries = (lines: readonly string[], series: string) =>
      Number(
        lines
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')
          .at(-1),
      );
    const identity = 'engine="0",model_name="tiny"';
    for (const series of [
      `vllm:prefix_cache_queries_total{${identity}}`,
      `vllm:prefix_cache_hits_total{${identity}}`,
      `vllm:prompt_tokens_total{${identity}}`,
      `vllm:prompt_tokens_cached_total{${identity}}`,
      `vllm:prompt_tokens_by_source_total{${identity},source="local_compute"}`,
      `vllm:generation_tokens_total{${identity}}`,
      `vllm:num_preemptions_total{${identity}}`,
      `vllm:num_requests_running{${identity}}`,
      `vllm:kv_cache_usage_perc{${identity}}`,
      `vllm:time_to_first_token_seconds_count{${identity}}`,
    ]) {
      expect([series, readSeries(own, series)]).toEqual([series, readSeries(recorded, series)]);
    }
  });

  it('starts again at sequence 0 with an empty cache and the same hashes', async () => {
    const { engine, eventsAddress, send } = await startRecordedEngine('0.32.0');
    await using _engine = engine;
    await sendAll(send);
    const [first, second, ...afterwards] = readExchanges('v0.32.0-map/g_restart');
    const [, ...recorded] = readMessages('v0.32.0-map/g_restart');
    if (first === undefined || second === undefined) throw new Error('the recording has requests before the restart');
    for (const exchange of [first, second]) expectAnswer(exchange, await send(exchange));
    const hashesBefore = new Set(engine.blocks().map(({ hash }) => hash));
    await engine.restart();
    await using tap = await tapEvents(engine, eventsAddress);
    for (const exchange of afterwards) expectAnswer(exchange, await send(exchange));
    const own = await tap.received(recorded.length);
    expect(own.map(({ sequence }) => sequence)).toEqual([0]);
    const [numberOwn, numberRecorded] = [numberHashes(), numberHashes()];
    expect(own.map(({ payload }) => numberOwn(contentOf(payload)))).toEqual(
      recorded.map(({ payload }) => numberRecorded(contentOf(payload))),
    );
    expect(engine.blocks().every(({ hash }) => hashesBefore.has(hash))).toBe(true);
  });
});

/** Frames of a replay as a DEALER gets them, as hex, the payloads cut off. */
const replayFrames = async (address: string, start: bigint): Promise<readonly (readonly string[])[]> => {
  const dealer = new Dealer({ linger: 0, receiveHighWaterMark: 0 });
  dealer.connect(address);
  const startFrame = Buffer.alloc(8);
  startFrame.writeBigUInt64BE(start);
  await dealer.send([Buffer.alloc(0), startFrame]);
  const replies: (readonly string[])[] = [];
  for await (const frames of dealer) {
    replies.push(frames.slice(0, -1).map((frame) => frame.toString('hex')));
    if (frames.at(-1)?.length === 0) break;
  }
  dealer.close();
  return replies;
};

it.each(['0.23.0', '0.32.0'] as const)('replays in the frames of vLLM %s', async (version) => {
  const topic = readMessages(`${folders[version]}/a_prefix`)[0]?.topic ?? '';
  const { engine, replayAddress, send } = await startRecordedEngine(version, { topic });
  await using _engine = engine;
  const told = [...scenarios[version], ...(version === '0.23.0' ? ['k_request_side'] : [])];
  for (const scenario of told) {
    for (const exchange of readExchanges(`${folders[version]}/${scenario}`)) await send(exchange);
  }
  const recorded = readRecording(`${folders[version]}/f_replay.replay.jsonl`)
    .trim()
    .split('\n')
    .map((line): { readonly request?: unknown; readonly frames: readonly string[] } => JSON.parse(line))
    .filter(({ request }) => request === undefined)
    .map(({ frames }) => frames.slice(0, -1));
  const own = [
    ...(await replayFrames(replayAddress ?? '', 0n)),
    ...(await replayFrames(replayAddress ?? '', 3n)),
    ...(await replayFrames(replayAddress ?? '', 1_000_000n)),
  ];
  expect(own).toEqual(recorded);
});

/** A batch's events that are not removals. */
const keptOf = (payload: Buffer): unknown => {
  const content = contentOf(payload);
  const events: readonly unknown[] = Array.isArray(content) && Array.isArray(content[0]) ? content[0] : [];
  return events.filter(
    (event) => typeof event !== 'object' || event === null || !('type' in event) || event.type !== 'BlockRemoved',
  );
};

/**
 * These two were recorded on servers with a history that was not: sequences begin at 45, and the caches were full of
 * blocks from before, so removals and sequence numbers are left out.
 */
it.each(['e_lora', 's_sleep'])('publishes what vLLM 0.32.0 did in %s', async (scenario) => {
  const { engine, eventsAddress, send } = await startRecordedEngine('0.32.0', { loraAdapters: ['lora-a'] });
  await using _engine = engine;
  await using tap = await tapEvents(engine, eventsAddress);
  const recorded = readMessages(`v0.32.0-map/${scenario}`);
  for (const exchange of readExchanges(`v0.32.0-map/${scenario}`)) expectAnswer(exchange, await send(exchange));
  const own = await tap.received(recorded.length);
  const [numberOwn, numberRecorded] = [numberHashes(), numberHashes()];
  expect(own.map(({ payload }) => numberOwn(keptOf(payload)))).toEqual(
    recorded.map(({ payload }) => numberRecorded(keptOf(payload))),
  );
});

it('keeps the caches and streams of two data-parallel ranks apart as vLLM 0.32.0 does', async () => {
  const { engine, ranks, send } = await startRecordedEngine('0.32.0', { ranks: 2 });
  await using _engine = engine;
  await using tap0 = await tapEvents(engine, ranks[0]?.eventsAddress ?? '', 0);
  await using tap1 = await tapEvents(engine, ranks[1]?.eventsAddress ?? '', 1);
  for (const exchange of readExchanges('v0.32.0-map-dp2/dp')) expectAnswer(exchange, await send(exchange));
  const recorded = readMessages('v0.32.0-map-dp2/dp');
  const own = [...(await tap0.received(2)), ...(await tap1.received(1))];
  const contents = (messages: readonly { readonly payload: Buffer }[], rank: number) => {
    const numberOf = numberHashes();
    return messages
      .map(({ payload }) => numberOf(contentOf(payload)))
      .filter((content) => Array.isArray(content) && content[1] === rank);
  };
  expect(own).toHaveLength(recorded.length);
  for (const rank of [0, 1]) expect(contents(own, rank)).toEqual(contents(recorded, rank));
});
