import { beforeAll, describe, expect, it } from '@jest/globals';
import { silentMetrics } from '../../../sidecar/core/index.ts';
import { createPromptEncoder, type PromptEncoder, parseRequest } from '../../../sidecar/prompt/index.ts';
import { createDecisionLog, createDirector, type RouteRequest } from '../../../sidecar/routing/index.ts';
import { tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { completion, createRoutingWorld, profile, tokens } from '../../support/routing-world.ts';

let encoder: PromptEncoder;
beforeAll(async () => {
  encoder = await createPromptEncoder({ folder: tinyQwenFolder });
});

const path = '/v1/chat/completions';
const chat = (changes: object = {}): RouteRequest => {
  const messages = [{ role: 'user', content: 'Hello there. '.repeat(300) }];
  return { ...completion([]), path, body: Buffer.from(JSON.stringify({ model: 'tiny', messages, ...changes })) };
};

const textCompletion = (changes: object): RouteRequest & { readonly body: Buffer } => {
  const body = Buffer.from(JSON.stringify({ model: 'tiny', prompt: 'Hello there. '.repeat(30), ...changes }));
  return { ...completion([]), path: '/v1/completions', body };
};

const decide = async (request: RouteRequest, passesTokenIds: boolean) => {
  const { pool, clock } = createRoutingWorld({ endpoints: ['a'], encoder });
  const director = createDirector({
    directory: { pools: () => [{ ...pool, passesTokenIds }] },
    log: createDecisionLog(10),
    clock,
    random: () => 0,
    metrics: silentMetrics,
    sessionProfile: profile(),
  });
  const decision = await director.route(request);
  if (decision.kind !== 'routed') throw new Error(decision.kind);
  return decision;
};

describe('handing token ids over', () => {
  it('gives the ids of a whole chat, once, to pools that want them', async () => {
    const request = chat();
    const decision = await decide(request, true);
    const body = request.body ?? new Uint8Array(0);
    const prompt = await encoder.encode(parseRequest({ path, body, isComplete: true }), { loraName: null });
    const expected = prompt.kind === 'encoded' ? prompt.sequences[0]?.tokenIds : undefined;
    expect(decision.takeTokenIds?.()).toEqual({ member: 'kv_transfer_params', tokenIds: expected });
    expect(decision.takeTokenIds?.()).toBeNull();
  });

  it('gives those of a message in Anthropic’s shape, and of a completion of one text', async () => {
    const { body } = chat();
    const message = await decide({ ...chat(), path: '/v1/messages', body }, true);
    expect(message.takeTokenIds?.()).toMatchObject({ member: 'kv_transfer_params' });
    const completed = await decide(textCompletion({}), true);
    const expected = await encoder.encode(parseRequest({ ...textCompletion({}), isComplete: true }), {
      loraName: null,
    });
    expect(completed.takeTokenIds?.()).toEqual({
      member: 'prompt',
      tokenIds: expected.kind === 'encoded' ? expected.sequences[0]?.tokenIds : undefined,
    });
  });

  it('gives nothing elsewhere, nor for other completions, cut-off bodies and images', async () => {
    const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] };
    const whole = chat();
    const cut = { ...whole, body: whole.body?.subarray(0, 2000) ?? null, isBodyComplete: false };
    const requests = [
      completion(tokens(1, 40)),
      textCompletion({ prompt: ['one text', 'another'] }),
      textCompletion({ prompt: ['one text'] }),
      textCompletion({ echo: true }),
      textCompletion({ truncate_prompt_tokens: 10 }),
      cut,
      chat({ messages: [image] }),
    ];
    for (const request of requests) expect((await decide(request, true)).takeTokenIds).toBeUndefined();
    expect((await decide(chat(), false)).takeTokenIds).toBeUndefined();
  });
});
