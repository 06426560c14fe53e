import { describe, expect, it } from '@jest/globals';
import { createEngine, type EngineOptions } from '../../sidecar/simulator/index.ts';
import { tokenIdTokenizer } from '../support/engine-harness.ts';
import { postJson, readJson } from '../support/http.ts';

const startEngine = async (options: Partial<EngineOptions> = {}) => {
  const engine = createEngine({ tokenizer: tokenIdTokenizer, model: 'tiny', timeScale: 0, ...options });
  const { address } = await engine.start();
  const url = `http://${address}`;
  return {
    engine,
    url,
    post: (path: string, body: unknown) => postJson(url + path, body),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
};

/** Token ids of a prompt; equal families share their beginning. */
const prompt = (tokens: number, family = 1) =>
  Array.from({ length: tokens }, (_, index) => family * 100 + (index % 90));

interface Choice {
  readonly index: number;
  readonly text?: string;
  readonly message?: { readonly role: string; readonly content: string };
  readonly delta?: { readonly role?: string; readonly content?: string };
  readonly finish_reason: string | null;
  readonly token_ids: readonly number[] | null;
  readonly prompt_token_ids?: readonly number[] | null;
}

interface Answer {
  readonly id: string;
  readonly object: string;
  readonly model: string;
  readonly choices: readonly Choice[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
  readonly prompt_token_ids?: readonly number[] | null;
}

interface Refusal {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: number;
  };
}

/** A chat whose prompt is token ids, as vLLM takes it in `kv_transfer_params`. */
const chat = (tokenIds: readonly number[], more: Readonly<Record<string, unknown>> = {}) => ({
  model: 'tiny',
  messages: [{ role: 'user', content: 'stands for the tokens' }],
  kv_transfer_params: { prompt_token_ids: tokenIds },
  ...more,
});

/** Data of each server-sent event. */
const eventsOf = async (response: Response): Promise<readonly string[]> =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));

const parseChunks = (events: readonly string[]) =>
  events.filter((event) => event !== '[DONE]').map((event): Answer => JSON.parse(event));

describe('a completion', () => {
  it('generates 16 tokens where the request says nothing, the same each time', async () => {
    await using bench = await startEngine();
    const body = { model: 'tiny', prompt: prompt(40) };
    const [first, second] = [
      await readJson<Answer>(await bench.post('/v1/completions', body)),
      await readJson<Answer>(await bench.post('/v1/completions', body)),
    ];
    expect(first).toMatchObject({
      object: 'text_completion',
      model: 'tiny',
      choices: [{ index: 0, finish_reason: 'length', token_ids: null, prompt_token_ids: null }],
      usage: {
        prompt_tokens: 40,
        completion_tokens: 16,
        total_tokens: 56,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
    expect(first.id).toMatch(/^cmpl-/);
    expect(first.choices[0]?.text).toMatch(/^( [a-z]+){16}$/);
    expect(second.choices[0]?.text).toBe(first.choices[0]?.text);
    expect(second.usage?.prompt_tokens_details.cached_tokens).toBe(32);
  });

  it('answers each prompt of a list n times, in order', async () => {
    await using bench = await startEngine();
    const prompts = [prompt(10, 1), prompt(12, 2)];
    const answer = await readJson<Answer>(
      await bench.post('/v1/completions', { prompt: prompts, n: 2, max_tokens: 3, return_token_ids: true }),
    );
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(answer.choices.map(({ prompt_token_ids }) => prompt_token_ids)).toEqual([
      prompts[0],
      prompts[0],
      prompts[1],
      prompts[1],
    ]);
    expect(answer.choices.map(({ token_ids }) => token_ids?.length)).toEqual([3, 3, 3, 3]);
    expect(answer.choices[0]?.text).not.toBe(answer.choices[1]?.text);
    expect(answer.usage).toMatchObject({ prompt_tokens: 22, completion_tokens: 12 });
  });

  it('streams a chunk a token and ends with [DONE]', async () => {
    await using bench = await startEngine();
    const body = { prompt: prompt(20), max_tokens: 4 };
    const whole = await readJson<Answer>(await bench.post('/v1/completions', body));
    const response = await bench.post('/v1/completions', { ...body, stream: true, return_token_ids: true });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = await eventsOf(response);
    const chunks = parseChunks(events);
    expect(events.at(-1)).toBe('[DONE]');
    expect(chunks).toHaveLength(4);
    expect(chunks.map(({ choices }) => choices[0]?.text).join('')).toBe(whole.choices[0]?.text);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, 'length']);
    expect(chunks.map(({ choices }) => choices[0]?.token_ids?.length)).toEqual([1, 1, 1, 1]);
    expect(chunks.map(({ choices }) => choices[0]?.prompt_token_ids?.length ?? null)).toEqual([20, null, null, null]);
    expect(chunks.some(({ usage }) => usage !== undefined)).toBe(false);
  });
});

describe('a chat', () => {
  it('is answered as an assistant, with its prompt tokens where asked for', async () => {
    await using bench = await startEngine();
    const answer = await readJson<Answer>(
      await bench.post('/v1/chat/completions', chat(prompt(20), { max_tokens: 2, return_token_ids: true })),
    );
    expect(answer).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' }, finish_reason: 'length' }],
      prompt_token_ids: prompt(20),
      usage: { prompt_tokens_details: { cached_tokens: 0, created_cache_tokens: 16 } },
    });
    expect(answer.id).toMatch(/^chatcmpl-/);
    expect(answer.choices[0]?.token_ids).toHaveLength(2);
  });

  it('streams its role first and its usage last', async () => {
    await using bench = await startEngine();
    const body = chat(prompt(20), { max_completion_tokens: 2, stream: true, stream_options: { include_usage: true } });
    const chunks = parseChunks(await eventsOf(await bench.post('/v1/chat/completions', body)));
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: expect.stringMatching(/^ [a-z]+$/) },
      { content: expect.stringMatching(/^ [a-z]+$/) },
      undefined,
    ]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 20, completion_tokens: 2 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('takes the id of its request from x-request-id', async () => {
    await using bench = await startEngine();
    const response = await fetch(`${bench.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-request-id': 'mine' },
      body: JSON.stringify(chat(prompt(5))),
    });
    expect((await readJson<Answer>(response)).id).toBe('chatcmpl-mine');
  });
});

describe('a refusal', () => {
  const limit = { blocks: 5, blockSize: 16 };

  it.each([
    { why: 'no JSON', path: '/v1/completions', body: '{"prompt": [1', status: 400, param: null },
    { why: 'no object', path: '/v1/completions', body: '[]', status: 400, param: null },
    { why: 'no messages', path: '/v1/chat/completions', body: '{}', status: 400, param: 'messages' },
    { why: 'empty messages', path: '/v1/chat/completions', body: '{"messages":[]}', status: 400, param: null },
    { why: 'unreadable prompt', path: '/v1/completions', body: '{"prompt":"text"}', status: 400, param: null },
    { why: 'empty prompt', path: '/v1/completions', body: '{"prompt":[]}', status: 400, param: 'prompt' },
    {
      why: 'max_tokens of 0',
      path: '/v1/completions',
      body: '{"prompt":[1],"max_tokens":0}',
      status: 400,
      param: 'max_tokens',
    },
    { why: 'n of text', path: '/v1/completions', body: '{"prompt":[1],"n":"2"}', status: 400, param: 'n' },
    {
      why: 'stream of text',
      path: '/v1/completions',
      body: '{"prompt":[1],"stream":"yes"}',
      status: 400,
      param: 'stream',
    },
    {
      why: 'empty salt',
      path: '/v1/completions',
      body: '{"prompt":[1],"cache_salt":""}',
      status: 400,
      param: 'cache_salt',
    },
    {
      why: 'salt of a number',
      path: '/v1/completions',
      body: '{"prompt":[1],"cache_salt":1}',
      status: 400,
      param: 'cache_salt',
    },
    { why: 'too long', path: '/v1/completions', body: `{"prompt":[${prompt(50)}]}`, status: 400, param: null },
    { why: 'unknown model', path: '/v1/completions', body: '{"prompt":[1],"model":"x"}', status: 404, param: 'model' },
  ])("of $why is $status in OpenAI's shape", async ({ path, body, status, param }) => {
    await using bench = await startEngine(limit);
    const response = await fetch(bench.url + path, { method: 'POST', body });
    const { error } = await readJson<Refusal>(response);
    expect(response.status).toBe(status);
    expect(error).toMatchObject({ code: status, param, type: status === 404 ? 'NotFoundError' : 'BadRequestError' });
  });

  it('of an unknown path or method is 404', async () => {
    await using bench = await startEngine();
    expect([(await fetch(`${bench.url}/nowhere`)).status, (await fetch(`${bench.url}/v1/completions`)).status]).toEqual(
      [404, 404],
    );
  });
});

describe('besides generation an engine', () => {
  it('lists its model and adapters', async () => {
    await using bench = await startEngine({ loraAdapters: ['adapter'] });
    const list = await readJson<{ readonly data: readonly unknown[] }>(await fetch(`${bench.url}/v1/models`));
    expect(list).toMatchObject({
      object: 'list',
      data: [
        { id: 'tiny', object: 'model', parent: null, max_model_len: 32_768 },
        { id: 'adapter', object: 'model', parent: 'tiny' },
      ],
    });
  });

  it('says its health, version and where its events are', async () => {
    await using bench = await startEngine();
    expect((await fetch(`${bench.url}/health`)).status).toBe(200);
    expect(await readJson(await fetch(`${bench.url}/version`))).toEqual({ version: '0.32.0' });
    expect(await readJson(await fetch(`${bench.url}/kv_event_sources`))).toMatchObject({
      '0': { publisher: 'zmq', endpoint: expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/), buffer_steps: 10_000 },
    });
  });

  it('does not list event sources where its release does not', async () => {
    await using bench = await startEngine({ version: '0.23.0' });
    expect((await fetch(`${bench.url}/kv_event_sources`)).status).toBe(404);
    expect(await readJson(await fetch(`${bench.url}/version`))).toEqual({ version: '0.23.0' });
  });

  it('tokenizes without generating', async () => {
    await using bench = await startEngine();
    expect(await readJson(await bench.post('/tokenize', { model: 'tiny', prompt: [5, 6, 7] }))).toEqual({
      count: 3,
      max_model_len: 32_768,
      tokens: [5, 6, 7],
      token_strs: null,
    });
    expect((await bench.post('/tokenize', { prompt: 'text' })).status).toBe(400);
    expect(bench.engine.counters().generationTokens).toBe(0);
  });

  it('drops its cache and says so with the next request only', async () => {
    await using bench = await startEngine();
    await bench.post('/v1/completions', { prompt: prompt(40), max_tokens: 1 });
    expect(bench.engine.blocks()).toHaveLength(2);
    expect(await readJson(await bench.post('/reset_prefix_cache', {}))).toEqual({ success: true });
    expect([bench.engine.blocks(), bench.engine.lastSequence()]).toEqual([[], 0]);
    await bench.post('/v1/completions', { prompt: prompt(5), max_tokens: 1 });
    expect(bench.engine.lastSequence()).toBe(1);
  });

  it('sleeps at a level, computes nothing, and wakes', async () => {
    await using bench = await startEngine();
    expect(await readJson(await bench.post('/sleep?level=2', {}))).toEqual({ status: 'sleeping', level: 2 });
    const metrics = await (await fetch(`${bench.url}/metrics`)).text();
    expect(metrics).toContain('vllm:engine_sleep_state{engine="0",model_name="tiny",sleep_state="discard_all"} 1');
    expect(await readJson(await fetch(`${bench.url}/is_sleeping`))).toEqual({ is_sleeping: true });
    const pending = bench.post('/v1/completions', { prompt: prompt(5), max_tokens: 1 });
    await bench.post('/wake_up', {});
    expect((await pending).status).toBe(200);
    expect((await bench.post('/sleep?level=9', {})).status).toBe(400);
  });
});

describe('/metrics', () => {
  it('names only series that vLLM has, with the same labels', async () => {
    await using bench = await startEngine({ model: 'tiny' });
    await bench.post('/v1/completions', { prompt: prompt(40) });
    const { readRecording } = await import('../support/engine-recordings.ts');
    const seriesOf = (text: string) =>
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.slice(0, line.lastIndexOf(' ')));
    const recorded = new Set(seriesOf(readRecording('v0.32.0-map/metrics.txt')));
    const own = seriesOf(await (await fetch(`${bench.url}/metrics`)).text());
    expect(own.filter((series) => !recorded.has(series) && !series.startsWith('vllm:cache_config_info'))).toEqual([]);
    expect(own.length).toBeGreaterThan(70);
  });

  it('says how large the cache is, as vLLM counts it', async () => {
    await using bench = await startEngine({ blocks: 66, blockSize: 32 });
    const metrics = await (await fetch(`${bench.url}/metrics`)).text();
    const info = metrics.split('\n').find((line) => line.startsWith('vllm:cache_config_info'));
    expect(info).toContain('block_size="32"');
    expect(info).toContain('num_gpu_blocks="66"');
    expect(info).toContain('kv_cache_size_tokens="2112"');
    expect(info).toContain('enable_prefix_caching="True"');
  });

  it('counts running requests by adapter while they run', async () => {
    await using bench = await startEngine({ loraAdapters: ['adapter'], timeScale: 1 });
    const running = bench.post('/v1/completions', {
      model: 'adapter',
      prompt: prompt(5),
      max_tokens: 2000,
      stream: true,
    });
    await running;
    const metrics = await (await fetch(`${bench.url}/metrics`)).text();
    expect(metrics).toContain('vllm:num_requests_running{engine="0",model_name="tiny"} 1\n');
    expect(metrics).toMatch(
      /vllm:lora_requests_info\{max_lora="1",running_lora_adapters="adapter",waiting_lora_adapters=""\} \d+/,
    );
    expect(metrics).toMatch(/vllm:kv_cache_usage_perc\{engine="0",model_name="tiny"\} 0\.000/);
  });
});
