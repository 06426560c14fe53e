import { describe, expect, it } from '@jest/globals';
import { createPromptEncoder, createRemoteTokenizer, type Fetch } from '../../../sidecar/prompt/index.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { encodeBody, idsOf } from '../../support/tiny-qwen.ts';

type Answer = { readonly status: number; readonly body?: unknown };

/** An engine that answers by path and records what it was asked. */
const engine = (answers: Readonly<Record<string, Answer>>) => {
  const asked: { readonly path: string; readonly body: string }[] = [];
  const fetch: Fetch = async (url, { body }) => {
    const path = new URL(url).pathname;
    asked.push({ path, body: Buffer.from(body).toString() });
    const answer = answers[path] ?? { status: 404 };
    return { status: answer.status, json: async () => answer.body };
  };
  return { asked, fetch };
};

const chat = (text: string) => ({
  path: '/v1/chat/completions',
  body: Buffer.from(`{"messages": [{"role":"user","content":"${text}"}], "n": 1.0}`),
});

const encoderFor = (fetch: Fetch, clock = createFakeClock()) =>
  createPromptEncoder({
    folder: null,
    remote: createRemoteTokenizer({ baseUrl: () => 'http://engine:8000', fetch, clock }),
  });

describe('an encoder that asks an engine', () => {
  it('sends the bytes as they came and takes tokens and images from the answer', async () => {
    const features = { mm_hashes: { image: ['h'] }, mm_placeholders: { image: [{ offset: 1, length: 2 }] } };
    const { asked, fetch } = engine({
      '/v1/chat/completions/render': { status: 200, body: { token_ids: [1, 2, 3], features } },
    });
    const encoder = await encoderFor(fetch);

    const encoded = await encodeBody(encoder, chat('hi'));

    expect(asked).toEqual([{ path: '/v1/chat/completions/render', body: chat('hi').body.toString() }]);
    expect(encoded).toMatchObject({ kind: 'encoded', path: 'remote', sequences: [{ isWhole: true }] });
    expect(idsOf(encoded)).toEqual([[1, 2, 3]]);
    expect(encoded.kind === 'encoded' && encoded.sequences[0]?.identity.multimodal).toEqual([
      { identifier: 'h', offset: 1, length: 2 },
    ]);
  });

  it('asks for the same body once', async () => {
    const { asked, fetch } = engine({
      '/v1/completions/render': { status: 200, body: [{ token_ids: [1] }, { token_ids: [2, 3] }] },
    });
    const encoder = await encoderFor(fetch);
    const request = { path: '/v1/completions', body: Buffer.from('{"prompt":["a","b"]}') };

    const first = await encodeBody(encoder, request);
    const second = await encodeBody(encoder, request);

    expect(idsOf(first)).toEqual([[1], [2, 3]]);
    expect(idsOf(second)).toEqual([[1], [2, 3]]);
    expect(asked).toHaveLength(1);
  });

  it.each([403, 404, 405])('asks /tokenize where render answers %d, and remembers that for a while', async (status) => {
    const clock = createFakeClock();
    const { asked, fetch } = engine({
      '/v1/chat/completions/render': { status },
      '/tokenize': { status: 200, body: { tokens: [4] } },
    });
    const encoder = await encoderFor(fetch, clock);

    await encodeBody(encoder, chat('one'));
    await encodeBody(encoder, chat('two'));
    await clock.advance(300_001);
    await encodeBody(encoder, chat('three'));

    const render = '/v1/chat/completions/render';
    expect(asked.map(({ path }) => path)).toEqual([render, '/tokenize', '/tokenize', render, '/tokenize']);
  });

  it.each([
    ['refuses', { status: 400, body: {} }],
    ['answers something else', { status: 200, body: { tokens: ['a'] } }],
  ])('does not know the prompt where the engine %s', async (_, answer) => {
    const { fetch } = engine({ '/v1/chat/completions/render': answer });

    expect(await encodeBody(await encoderFor(fetch), chat('hi'))).toEqual({ kind: 'unknown', why: 'remote-tokenizer' });
  });

  it('does not know the prompt where no answer comes in time', async () => {
    const clock = createFakeClock();
    const fetch: Fetch = (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const answer = encodeBody(await encoderFor(fetch, clock), chat('hi'));

    await clock.advance(2001);

    expect(await answer).toEqual({ kind: 'unknown', why: 'remote-tokenizer' });
  });

  it('asks nobody for token ids, nor with a cut body', async () => {
    const { asked, fetch } = engine({});
    const encoder = await encoderFor(fetch);

    expect(
      idsOf(await encodeBody(encoder, { path: '/v1/completions', body: Buffer.from('{"prompt":[1,2]}') })),
    ).toEqual([[1, 2]]);
    expect(
      await encodeBody(encoder, { ...chat('hi'), body: chat('hi').body.subarray(0, 40), isComplete: false }),
    ).toEqual({ kind: 'unknown', why: 'cut' });
    expect(asked).toEqual([]);
  });
});
