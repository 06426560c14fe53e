import { beforeAll, describe, expect, it } from '@jest/globals';
import { createPromptEncoder, type PromptEncoder } from '../../../sidecar/prompt/index.ts';
import type { Decision, RoutedDecision, RouteRequest } from '../../../sidecar/routing/index.ts';
import { tinyQwenFolder } from '../../../sidecar/simulator/index.ts';
import { endpoint, load } from '../../support/candidates.ts';
import { completion, createRoutingWorld, type RoutingWorld, tokens } from '../../support/routing-world.ts';

let encoder: PromptEncoder;
beforeAll(async () => {
  encoder = await createPromptEncoder({ folder: tinyQwenFolder });
});

const world = (endpoints: readonly string[] = ['a', 'b'], scheduling?: unknown): RoutingWorld =>
  createRoutingWorld({ endpoints, encoder, scheduling });

const route = ({ director }: RoutingWorld, request: RouteRequest): Decision => {
  const decision = director.route(request);
  if (decision instanceof Promise) throw new Error('the decision waits');
  return decision;
};

const routed = (at: RoutingWorld, request: RouteRequest): RoutedDecision => {
  const decision = route(at, request);
  if (decision.kind !== 'routed') throw new Error(decision.kind);
  return decision;
};

describe('a decision', () => {
  it('goes to the endpoint that holds the longest beginning, and predicts it', () => {
    const at = world();
    at.store('a', tokens(100, 80));
    at.store('b', tokens(100, 160));
    expect(routed(at, completion(tokens(100, 201)))).toMatchObject({
      endpoint: { name: 'b' },
      reason: 'prefix',
      promptTokens: 201,
      cachedTokens: 160,
    });
  });

  it('never counts the last token of a prompt as cached', () => {
    const at = world(['a']);
    at.store('a', tokens(100, 16));
    expect(routed(at, completion(tokens(100, 16))).cachedTokens).toBe(12);
    expect(routed(at, completion(tokens(100, 17))).cachedTokens).toBe(16);
  });

  it('goes by load where nothing is cached', () => {
    const at = world();
    const first = routed(at, completion(tokens(100, 40)));
    const second = routed(at, completion(tokens(500, 40)));
    expect(first.reason).toBe('load');
    expect(first.cachedTokens).toBe(0);
    expect(second.endpoint.name).not.toBe(first.endpoint.name);
  });

  it('sums the prompts of a list', () => {
    const at = world(['a']);
    at.store('a', tokens(100, 8));
    at.store('a', tokens(300, 4));
    const body = Buffer.from(JSON.stringify({ prompt: [tokens(100, 9), tokens(300, 9)] }));
    expect(routed(at, completion([], { body }))).toMatchObject({ promptTokens: 18, cachedTokens: 12 });
  });

  it('sends siblings of a burst to the endpoint that the first one went to, before any event', () => {
    const at = world();
    const first = routed(at, completion(tokens(100, 400)));
    at.store(first.endpoint.name, tokens(100, 200));
    const second = routed(at, completion(tokens(100, 401)));
    expect(second).toMatchObject({ endpoint: { name: first.endpoint.name }, reason: 'prefix', cachedTokens: 400 });
  });

  it('takes back what a failed request promised', () => {
    const at = world(['a']);
    routed(at, completion(tokens(100, 40))).ticket.failed('upstream');
    expect(routed(at, completion(tokens(100, 41))).cachedTokens).toBe(0);
  });

  it('takes back a promise 1 s after the first token where events never confirm it', async () => {
    const at = world(['a']);
    routed(at, completion(tokens(100, 40))).ticket.firstToken();
    expect(routed(at, completion(tokens(100, 41))).cachedTokens).toBe(40);
    await at.clock.advance(1001);
    const third = routed(at, completion(tokens(100, 37)));
    expect(third.cachedTokens).toBe(36);
    third.ticket.failed('client-abort');
  });

  it('believes a cleared cache more than a promise', () => {
    const at = world(['a']);
    routed(at, completion(tokens(100, 40)));
    at.clear('a');
    expect(routed(at, completion(tokens(100, 41))).cachedTokens).toBe(0);
  });

  it('does not read the cache for requests with prompt_logprobs', () => {
    const at = world(['a']);
    at.store('a', tokens(100, 16));
    const body = Buffer.from(JSON.stringify({ prompt: tokens(100, 21), prompt_logprobs: 1 }));
    expect(routed(at, completion([], { body })).cachedTokens).toBe(0);
  });

  it('names the rank where an address serves several', () => {
    const at = world(['a']);
    at.change('a', { endpoint: { ...endpoint('a'), rank: 3, hasRanks: true } });
    expect(routed(at, completion(tokens(1, 5))).rankHeader).toBe(3);
  });

  it('lists the others as fallbacks, best first', () => {
    const at = world(['a', 'b', 'c']);
    at.store('a', tokens(100, 160));
    at.store('b', tokens(100, 80));
    const decision = routed(at, completion(tokens(100, 201)));
    expect([decision.endpoint, ...decision.fallbacks].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('trust', () => {
  it('lets own history speak where no events come', () => {
    const at = world();
    at.setTrust('a', 'fallback');
    at.setTrust('b', 'fallback');
    const first = routed(at, completion(tokens(100, 40)));
    first.ticket.finished(null);
    const second = routed(at, completion(tokens(100, 41)));
    expect(second).toMatchObject({ endpoint: { name: first.endpoint.name }, reason: 'approximate' });
  });

  it('discounts history by what is known where some events are missing', () => {
    const at = world(['a', 'b']);
    at.setTrust('a', 'degraded', 0.25);
    at.store('b', tokens(100, 20));
    const toA = routed(at, completion(tokens(100, 40), { excluded: new Set([endpoint('b').id]) }));
    toA.ticket.failed('upstream');
    // History says 40 tokens on a, a quarter of which counts; events say 20 on b.
    expect(routed(at, completion(tokens(100, 41))).endpoint.name).toBe('b');
  });
});

describe('requests without a readable prompt', () => {
  it.each([
    ['no body', { body: null, wholeBodyBytes: 0 }, 'load'],
    ['random bytes', { body: Buffer.from([0xff, 0x00, 0x7b]) }, 'fallback-'],
    ['wrong types', { body: Buffer.from('{"messages": 5}'), path: '/v1/chat/completions' }, 'fallback-'],
  ])('are routed by load with %s', (_, changes, reason) => {
    const decision = routed(world(), completion([], changes));
    expect(decision.reason.startsWith(reason)).toBe(true);
    expect(decision.promptTokens).toBeNull();
    expect(decision.cachedTokens).toBeNull();
  });

  it('keep a session on one endpoint', () => {
    const at = world(['a', 'b', 'c', 'd']);
    const header = (name: string) => (name === 'x-session-id' ? 'session-7' : undefined);
    const picks = Array.from({ length: 5 }, () => routed(at, completion([], { body: null, header })));
    expect(new Set(picks.map(({ endpoint: { name } }) => name)).size).toBe(1);
    expect(picks[0]?.reason).toBe('session');
  });

  it('go by load while no tokenizer is loaded, and the reason says so', () => {
    const at = createRoutingWorld({ endpoints: ['a'], encoder: null });
    expect(routed(at, completion(tokens(1, 9))).reason).toBe('fallback-tokenizer');
  });

  it('say that their model is not known', () => {
    const body = Buffer.from(JSON.stringify({ model: 'other', prompt: [1, 2, 3] }));
    expect(routed(world(), completion([], { body })).reason).toBe('fallback-model');
  });
});

describe('what a request’s headers ask', () => {
  it('is kept in its record, and absent where they ask nothing', () => {
    const at = world();
    const control = { model: null, objective: 'batch', fairnessId: 'tenant-a', sloTtftMs: 200, sloTpotMs: null };
    const asked = routed(at, completion(tokens(1, 9), { control }));
    const silent = routed(at, completion(tokens(1, 9)));

    expect(at.log.get(asked.id)?.control).toEqual(control);
    expect(at.log.get(silent.id)).not.toHaveProperty('control');
  });
});

describe('endpoints that may not be picked', () => {
  it.each([
    ['failing', { health: 'failing' as const }],
    ['going away', { isTerminating: true }],
    ['asleep', { load: load({ isAsleep: true }) }],
  ])('are left out while %s', (_, changes) => {
    const at = world();
    at.store('a', tokens(100, 16));
    at.change('a', changes);
    expect(routed(at, completion(tokens(100, 21))).endpoint.name).toBe('b');
  });

  it('give no endpoint when none is left', () => {
    const at = world(['a']);
    at.change('a', { health: 'failing' });
    expect(route(at, completion(tokens(1, 9)))).toMatchObject({ kind: 'no-endpoint', pool: 'pool' });
  });

  it.each([
    ['the whole address', ['b:8000'], 'b'],
    ['the host alone', ['b'], 'b'],
  ])('are outside the subset hint, by %s', (_, subset, name) => {
    const at = world();
    at.store('a', tokens(100, 16));
    expect(routed(at, completion(tokens(100, 21), { subset })).endpoint.name).toBe(name);
  });

  it('are all endpoints where the subset is empty', () => {
    expect(route(world(), completion(tokens(1, 9), { subset: [] })).kind).toBe('no-endpoint');
  });

  it('are those tried already', () => {
    const at = world();
    const first = routed(at, completion(tokens(1, 9)));
    const second = routed(at, completion(tokens(1, 9), { excluded: new Set([first.endpoint.id]) }));
    expect(second.endpoint.id).not.toBe(first.endpoint.id);
  });
});

describe('LoRA adapters', () => {
  const models = [
    { id: 'tiny', parent: null, maxModelLength: null },
    { id: 'adapter', parent: 'tiny', maxModelLength: null },
  ];

  it('never match the base model and go where they are served', () => {
    const at = createRoutingWorld({ endpoints: ['a', 'b'], encoder });
    at.change('b', { models });
    at.store('b', tokens(100, 16));
    const body = Buffer.from(JSON.stringify({ model: 'adapter', prompt: tokens(100, 21) }));
    expect(routed(at, completion([], { body }))).toMatchObject({ endpoint: { name: 'b' }, cachedTokens: 0 });
  });
});

describe('the ledger', () => {
  it('holds a request from its decision to its end, whatever is told how often', () => {
    const at = world(['a']);
    const { ticket, endpoint: picked } = routed(at, completion(tokens(100, 40)));
    expect(at.pool.inFlight.work(picked.id)).toMatchObject({ requests: 1, promptTokens: 40, awaitingFirstToken: 1 });
    ticket.firstToken();
    ticket.firstToken();
    expect(at.pool.inFlight.work(picked.id)).toMatchObject({ requests: 1, awaitingFirstToken: 0, uncachedTokens: 0 });
    ticket.finished(null);
    ticket.failed('upstream');
    expect(at.pool.inFlight.work(picked.id)).toMatchObject({ requests: 0, promptTokens: 0 });
  });

  it('shrinks what is still to be computed as the engine stores blocks', () => {
    const at = world(['a']);
    const { endpoint: picked } = routed(at, completion(tokens(100, 40)));
    at.store('a', tokens(100, 24));
    at.pool.inFlight.advance();
    expect(at.pool.inFlight.work(picked.id).uncachedTokens).toBe(16);
  });

  it('infers first token and end where the response is not seen', async () => {
    const at = world(['a']);
    const { endpoint: picked } = routed(at, completion(tokens(100, 40), { observesResponse: false }));
    expect(at.pool.inFlight.work(picked.id)).toMatchObject({ requests: 1, awaitingFirstToken: 1 });
    at.store('a', tokens(100, 40));
    at.pool.inFlight.advance();
    expect(at.pool.inFlight.work(picked.id)).toMatchObject({ requests: 1, awaitingFirstToken: 0 });
    await at.clock.advance(60_000);
    expect(at.pool.inFlight.work(picked.id).requests).toBe(0);
  });

  it('reports a refused connection to the pool, and an answer', () => {
    const at = world(['a']);
    routed(at, completion(tokens(1, 9))).ticket.failed('connect');
    routed(at, completion(tokens(1, 9))).ticket.finished(null);
    expect(at.refused).toEqual(['pool/a refused', 'pool/a answered']);
  });
});

describe('records', () => {
  it('keep candidates, prediction and, once known, what the engine reported', () => {
    const at = world();
    at.store('b', tokens(100, 160));
    const { id, ticket } = routed(at, completion(tokens(100, 201)));
    ticket.finished({ promptTokens: 201, cachedTokens: 12, completionTokens: 1 });
    expect(at.log.get(id)).toMatchObject({
      pool: 'pool',
      model: 'tiny',
      api: 'completions',
      promptTokens: 201,
      endpoint: 'b:8000',
      rank: 0,
      reason: 'prefix',
      predictedCachedTokens: 160,
      actualCachedTokens: 12,
      candidates: [
        { endpoint: 'a:8000', cachedTokens: 0, removedBy: null },
        { endpoint: 'b:8000', cachedTokens: 160, scores: { 'token-cost-scorer': 1 }, removedBy: null },
      ],
    });
  });

  it('are not made by explain, which books nothing and moves no position', async () => {
    const at = world(['a', 'b'], { scorers: [], picker: { type: 'round-robin-picker' } });
    const { record, tokenIds } = await at.director.explain(completion(tokens(100, 21)));
    const again = await at.director.explain(completion(tokens(100, 21)));
    expect(again.record.endpoint).toBe(record.endpoint);
    expect([...(tokenIds ?? [])]).toEqual(tokens(100, 21));
    expect(at.log.recent(10)).toEqual([]);
    expect(at.pool.inFlight.work(endpoint('a').id).requests).toBe(0);
  });

  it('have ids that differ', () => {
    const at = world();
    const ids = Array.from({ length: 50 }, () => route(at, completion(tokens(1, 9))).id);
    expect(new Set(ids).size).toBe(50);
  });
});
