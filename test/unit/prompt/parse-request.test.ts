import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRequest } from '../../../sidecar/prompt/index.ts';

const parse = (path: string | null, body: unknown, isComplete = true) =>
  parseRequest({
    path,
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body)),
    isComplete,
  });

const messages = [{ role: 'user', content: 'hi' }];

describe('the API of a request', () => {
  it.each([
    ['/v1/chat/completions', 'chat'],
    ['/v1/chat/completions?x=1', 'chat'],
    ['/v1/chat/completions/', 'chat'],
    ['/some/prefix/v1/chat/completions', 'chat'],
    ['/v1/chat/completions/render', 'chat'],
    ['/v1/completions', 'completions'],
    ['/v1/responses', 'responses'],
    ['/v1/messages', 'messages'],
    ['/v1/messages/count_tokens', 'count-tokens'],
    ['/v1/embeddings', 'embeddings'],
    ['/inference/v1/generate', 'generate'],
    ['/tokenize', 'tokenize'],
    ['/v1/score', 'other'],
    ['/v2/rerank', 'other'],
  ])('is told by the path %s', (path, api) => {
    expect(parse(path, { messages }).api).toBe(api);
  });

  it.each([
    [{ messages }, 'chat'],
    [{ messages, system: 's' }, 'messages'],
    [{ messages, tools: [{ name: 'f', input_schema: {} }] }, 'messages'],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] }] }, 'messages'],
    [{ prompt: 'x' }, 'completions'],
    [{ prompt: [1, 2] }, 'completions'],
    [{ token_ids: [1] }, 'generate'],
    [{ input: 'x' }, 'responses'],
    [{ input: [{ role: 'user', content: 'x' }] }, 'responses'],
    [{ input: ['a', 'b'] }, 'embeddings'],
    [{ input: [1, 2] }, 'embeddings'],
    [{ input: 'x', encoding_format: 'float' }, 'embeddings'],
    [{ query: 'q', documents: ['d'] }, 'other'],
    [{ foo: 1 }, 'other'],
  ])('is told by the body %j where the path is not known', (body, api) => {
    expect(parse(null, body).api).toBe(api);
    expect(parse('/', body).api).toBe(api);
  });
});

describe('what a body says besides its prompt', () => {
  it('names model, streaming and session', () => {
    const parsed = parse('/v1/chat/completions', { model: 'm', messages, stream: true, session_id: 's', user: 'u' });

    expect(parsed).toMatchObject({ model: 'm', isStreaming: true, sessionId: 's', readsCache: true, unreadable: null });
  });

  it.each([
    [{ user: 'u' }, 'u'],
    [{ prompt_cache_key: 'k', user: 'u' }, 'k'],
    [{ metadata: { user_id: 'a' } }, 'a'],
    [{ user: '' }, null],
    [{ user: 5 }, null],
  ])('takes the session from %j', (members, sessionId) => {
    expect(parse('/v1/chat/completions', { messages, ...members }).sessionId).toBe(sessionId);
  });

  it.each([
    ['/v1/chat/completions', { messages, prompt_logprobs: 0 }],
    ['/v1/completions', { prompt: 'x', echo: true, logprobs: 1 }],
    ['/inference/v1/generate', { token_ids: [1], sampling_params: { prompt_logprobs: 1 } }],
    ['/inference/v1/generate', { token_ids: [1], sampling_params: { skip_reading_prefix_cache: true } }],
    ['/tokenize', { prompt: 'x' }],
    ['/v1/messages/count_tokens', { messages }],
    ['/v1/chat/completions/render', { messages }],
  ])('knows that %s %j does not read the cache', (path, body) => {
    expect(parse(path, body).readsCache).toBe(false);
  });

  it('knows that logprobs without echo read the cache', () => {
    expect(parse('/v1/completions', { prompt: 'x', logprobs: 1 }).readsCache).toBe(true);
  });

  it('does not take a model name that the cut shortened', () => {
    expect(
      parse('/v1/chat/completions', '{"messages":[{"role":"user","content":"hi"}],"model":"qwe', false).model,
    ).toBeNull();
  });
});

describe('a body whose prompt cannot be read', () => {
  it.each([
    ['/v1/chat/completions', '{"messages":', 'invalid-json'],
    ['/v1/chat/completions', '{"messages":[]} x', 'invalid-json'],
    ['/v1/chat/completions', '[1]', 'not-an-object'],
    ['/v1/chat/completions', '', 'invalid-json'],
    ['/v1/chat/completions', '{}', 'invalid-messages'],
    ['/v1/chat/completions', '{"messages":[]}', 'no-prompt'],
    ['/v1/chat/completions', '{"messages":[{"role":"user","content":5}]}', 'invalid-messages'],
    ['/v1/chat/completions', '{"messages":[{"role":"user","content":"x"}],"chat_template":"t"}', 'own-template'],
    ['/v1/chat/completions', '{"messages":[{"role":"user","content":"x"}],"tools":[]}', 'invalid-tools'],
    ['/v1/chat/completions', '{"messages":[{"role":"user","content":"x"}],"cache_salt":""}', 'invalid-salt'],
    ['/v1/completions', '{"prompt":""}', 'no-prompt'],
    ['/v1/completions', '{"prompt":["a",5]}', 'invalid-prompt'],
    ['/v1/completions', '{"prompt_embeds":"AAAA"}', 'prompt-embeds'],
    ['/v1/completions', '{"prompt":"a","suffix":"b"}', 'unsupported'],
    ['/v1/responses', '{"input":"x","previous_response_id":"r"}', 'server-state'],
    ['/inference/v1/generate', '{"token_ids":[]}', 'invalid-prompt'],
    ['/v1/unknown', '{"foo":1}', 'unknown-api'],
    [null, '<html>', 'invalid-json'],
  ])('%s %s is unreadable: %#', (path, body, why) => {
    expect(parse(path, body).unreadable).toBe(why);
    expect(parse(path, body).prompt).toBeUndefined();
  });

  it('says so of bytes that are not UTF-8', () => {
    const body = Buffer.from([...Buffer.from('{"prompt":"'), 0xff, ...Buffer.from('"}')]);

    expect(parseRequest({ path: '/v1/completions', body, isComplete: true }).unreadable).toBe('not-utf8');
  });

  it('does not say so of APIs that are routed by load', () => {
    expect(parse('/v1/rerank', { query: 'q' })).toMatchObject({ api: 'other', unreadable: null });
  });

  it('accepts a byte-order mark, as Python does', () => {
    expect(parse('/v1/completions', '\ufeff{"prompt":"x"}').unreadable).toBeNull();
  });
});

const paths = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/embeddings',
  '/inference/v1/generate',
  '/tokenize',
  '/v1/rerank',
  '/nothing',
  null,
];

describe('parseRequest', () => {
  it('never throws for any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(...paths),
        fc.boolean(),
        (body, path, isComplete) => {
          expect(parseRequest({ path, body, isComplete }).bodyBytes).toBe(body.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never throws for members of any type', () => {
    const anything = fc.jsonValue({ maxDepth: 3 });
    const members = [
      'messages',
      'prompt',
      'input',
      'tools',
      'system',
      'token_ids',
      'chat_template_kwargs',
      'documents',
      'kv_transfer_params',
      'cache_salt',
      'reasoning',
      'thinking',
      'output_config',
      'features',
      'instructions',
      'truncate_prompt_tokens',
      'metadata',
    ];
    const content = fc.oneof(
      anything,
      fc.array(
        fc.record(
          {
            type: fc.constantFrom('text', 'tool_use', 'tool_result', 'thinking', 'image', 'image_url'),
            text: anything,
            content: anything,
            input: anything,
            source: anything,
          },
          { requiredKeys: ['type'] },
        ),
      ),
    );
    const message = fc.record(
      {
        role: fc.oneof(fc.constantFrom('user', 'assistant', 'system', 'tool', 'developer'), anything),
        content,
        tool_calls: anything,
        type: fc.constantFrom('message', 'function_call', 'reasoning'),
      },
      { requiredKeys: ['role'] },
    );
    const body = fc
      .tuple(fc.dictionary(fc.constantFrom(...members), anything), fc.option(fc.array(message, { maxLength: 4 })))
      .map(([random, list]) => (list === null ? random : { ...random, messages: list, input: list }));
    fc.assert(
      fc.property(body, fc.constantFrom(...paths), (document, path) => {
        const parsed = parse(path, document);

        expect(parsed.prompt === undefined).toBe(parsed.unreadable !== null || parsed.api === 'other');
      }),
      { numRuns: 3000 },
    );
  });
});
