import { describe, expect, it } from '@jest/globals';
import type { Router } from '../../../../sidecar/routing/index.ts';
import type { FakeRouter } from '../../../support/fake-router.ts';
import { bodyTold, picked, startExchange, waitingOnce } from './exchange-harness.ts';

describe('full-duplex request', () => {
  it('waits for the end of the body, then answers headers and body', () => {
    const exchange = startExchange();
    exchange.headers();
    exchange.body('{"prompt":');
    exchange.body('"hello"}');
    expect(exchange.replies).toEqual([]);
    exchange.body('', true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "{\\"prompt\\":\\"hello\\"}" end']);
    expect(exchange.router.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/completions',
      isBodyComplete: true,
      wholeBodyBytes: 18,
      subset: null,
      observesResponse: false,
    });
    expect(bodyTold(exchange.router)).toBe('{"prompt":"hello"}');
  });

  it('decides as soon as the announced length is there, before the end is told', () => {
    const exchange = startExchange();
    exchange.headers({}, { 'content-length': '5' });
    exchange.body('hello');
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "hello"']);
    expect(exchange.router.requests[0]?.isBodyComplete).toBe(true);
    exchange.body('', true);
    expect(exchange.replies.at(-1)).toBe('request-body "" end');
  });

  it('decides at the limit and passes the rest on as it comes', () => {
    const exchange = startExchange({ bodyLimitBytes: 6 });
    exchange.headers({}, { 'content-length': '9' });
    exchange.body('abc');
    exchange.body('def');
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "abcdef"']);
    expect(exchange.router.requests[0]).toMatchObject({ isBodyComplete: false, wholeBodyBytes: 9 });
    exchange.body('ghi', true);
    expect(exchange.replies.at(-1)).toBe('request-body "ghi" end');
    expect(exchange.router.requests).toHaveLength(1);
  });

  it('decides at the deadline by what is there', async () => {
    const exchange = startExchange();
    exchange.headers();
    exchange.body('half');
    await exchange.clock.advance(199);
    expect(exchange.replies).toEqual([]);
    await exchange.clock.advance(1);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "half"']);
    expect(exchange.router.requests[0]?.isBodyComplete).toBe(false);
    exchange.body('rest', true);
    expect(exchange.replies.at(-1)).toBe('request-body "rest" end');
  });

  it('splits a long body into pieces of at most 62,000 bytes, the end on the last', () => {
    const exchange = startExchange();
    exchange.headers();
    exchange.body('x'.repeat(130_000), true);
    const pieces = exchange.sent.flatMap((reply) => (reply.kind === 'piece' ? [reply] : []));
    expect(pieces.map(({ bytes, isEnd }) => [bytes.length, isEnd])).toEqual([
      [62_000, false],
      [62_000, false],
      [6_000, true],
    ]);
  });

  it('answers an empty body by one empty end', () => {
    const exchange = startExchange();
    exchange.headers();
    exchange.body('', true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "" end']);
  });

  it('answers a request without a body by its headers alone', () => {
    const exchange = startExchange();
    exchange.headers({}, { ':method': 'GET', ':path': '/v1/models' }, true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`]);
    expect(exchange.router.requests[0]).toMatchObject({ method: 'GET', path: '/v1/models', body: null });
  });

  it('takes trailers for the end, before and after the decision', () => {
    const early = startExchange();
    early.headers();
    early.body('abc');
    early.trailers();
    expect(early.replies).toEqual([`request-headers→${picked}`, 'request-body "abc"', 'request-trailers']);
    const late = startExchange({ bodyLimitBytes: 3 });
    late.headers();
    late.body('abc');
    late.trailers();
    expect(late.replies).toEqual([`request-headers→${picked}`, 'request-body "abc"', 'request-trailers']);
  });

  it('ignores a second end and a second set of headers', () => {
    const exchange = startExchange();
    exchange.headers();
    exchange.body('abc', true);
    exchange.body('', true);
    exchange.headers();
    expect(exchange.replies).toHaveLength(2);
    expect(exchange.router.requests).toHaveLength(1);
  });

  it('never reads past what the sidecar owns, and takes it off', () => {
    const exchange = startExchange();
    const owned = { 'x-gateway-destination-endpoint': 'a:1', 'x-warmroute-reason': 'prefix' };
    exchange.headers({}, { ...owned, 'x-session-id': 's' }, true);
    const [request] = exchange.router.requests;
    expect(Object.keys(owned).map((name) => request?.header(name))).toEqual([undefined, undefined]);
    expect(request?.header('x-session-id')).toBe('s');
    expect(exchange.sent[0]).toMatchObject({
      change: { set: { 'x-gateway-destination-endpoint': picked }, remove: ['x-warmroute-reason'] },
    });
  });

  it.each([
    [{ ':path': '/a' }, '/a'],
    [{ ':path': '', 'x-original-path': '/b' }, ''],
  ])('reads the path from %j', (headers, path) => {
    const exchange = startExchange();
    exchange.headers({}, headers, true);
    expect(exchange.router.requests[0]?.path).toBe(path);
  });

  it('names fallbacks after the pick only where they are asked for', () => {
    const endpoints = ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.1:1'];
    const list = startExchange({ endpoints, picksList: true });
    list.headers({}, {}, true);
    expect(list.replies).toEqual(['request-headers→10.0.0.1:1,10.0.0.2:1']);
    const single = startExchange({ endpoints });
    single.headers({}, {}, true);
    expect(single.replies).toEqual(['request-headers→10.0.0.1:1']);
  });

  it('hands the subset hint to routing', () => {
    const exchange = startExchange();
    exchange.headers({ subset: ['10.0.0.1'] }, {}, true);
    expect(exchange.router.requests[0]?.subset).toEqual(['10.0.0.1']);
  });
});

describe('a decision that takes long', () => {
  it('stops reading meanwhile, keeps what has come, then goes on', async () => {
    const { gate, route } = waitingOnce();
    const exchange = startExchange({ route, bodyLimitBytes: 3 });
    exchange.headers();
    exchange.body('abc');
    exchange.body('def', true);
    expect(exchange.wire.isPaused).toBe(true);
    expect(exchange.replies).toEqual([]);
    gate.resolve();
    await exchange.clock.advance(0);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "abc"', 'request-body "def" end']);
    expect(exchange.wire.isPaused).toBe(false);
  });

  it('is not waited for beyond the deadline; its late booking is released', async () => {
    const { gate, route } = waitingOnce();
    const exchange = startExchange({ route });
    exchange.headers();
    exchange.body('abc', true);
    await exchange.clock.advance(200);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "abc" end']);
    expect(bodyTold(exchange.router)).toBeNull();
    expect(exchange.router.tickets).toEqual([[]]);
    gate.resolve();
    await exchange.clock.advance(0);
    expect(exchange.router.tickets).toEqual([[], [{ failed: 'client-abort' }]]);
    expect(exchange.replies).toHaveLength(2);
  });

  it('is told to be late, with what was waited for', async () => {
    const forRouting = startExchange({ route: waitingOnce().route });
    forRouting.headers();
    forRouting.body('abc', true);
    const forBody = startExchange();
    forBody.headers();
    forBody.body('abc');
    const inTime = startExchange();
    inTime.headers();
    inTime.body('abc', true);
    for (const { clock } of [forRouting, forBody, inTime]) await clock.advance(1_000);
    expect([forRouting.late, forBody.late, inTime.late]).toEqual([['routing'], ['body'], []]);
  });

  it('books nothing for a client that has gone', async () => {
    const { gate, route } = waitingOnce();
    const exchange = startExchange({ route });
    exchange.headers();
    exchange.body('abc', true);
    exchange.exchange.onClose();
    gate.resolve();
    await exchange.clock.advance(1_000);
    expect(exchange.router.tickets).toEqual([[{ failed: 'client-abort' }]]);
    expect(exchange.replies).toEqual([]);
    expect(exchange.clock.pending).toBe(0);
  });

  it('is made by load where routing fails for the prompt', async () => {
    const failing =
      (fake: FakeRouter): Router['route'] =>
      (request) => {
        if (request.body !== null) throw new Error('bug');
        return fake.route(request);
      };
    const exchange = startExchange({ route: failing });
    exchange.headers();
    exchange.body('abc', true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "abc" end']);
  });

  it.each([
    [
      'now',
      () => {
        throw new Error('bug');
      },
    ],
    ['later', () => Promise.reject(new Error('bug'))],
  ])('is a 500 where routing fails altogether, %s', async (_when, route) => {
    const exchange = startExchange({ route: () => route });
    exchange.headers();
    exchange.body('abc', true);
    await exchange.clock.advance(0);
    expect(exchange.replies).toEqual(['500']);
    expect(exchange.wire.isEnded).toBe(true);
    expect(exchange.decided).toEqual([null]);
  });
});

describe('a refusal', () => {
  it('is a 503 with its drop reason in the shape of OpenAI, and ends the stream', () => {
    const exchange = startExchange({ endpoints: [] });
    exchange.headers();
    exchange.body('abc', true);
    expect(exchange.replies).toEqual(['503']);
    expect(exchange.sent[0]).toMatchObject({
      headers: { 'content-type': 'application/json', 'x-llm-d-request-dropped-reason': 'rejected-no-endpoints' },
      details: 'warmroute_no_endpoint',
    });
    const [reply] = exchange.sent;
    const body: unknown = reply?.kind === 'immediate' ? JSON.parse(reply.body) : null;
    expect(body).toMatchObject({ error: { type: 'server_error', code: 'no-endpoint' } });
    expect(exchange.wire.isEnded).toBe(true);
  });
});

describe('other body modes', () => {
  it.each(['buffered', 'buffered-partial'] as const)(
    '%s: headers go on at once, the pick is in the body reply',
    (mode) => {
      const exchange = startExchange();
      exchange.headers({ requestBodyMode: mode });
      expect(exchange.replies).toEqual(['request-headers']);
      exchange.body('{"prompt":"cut', mode === 'buffered');
      expect(exchange.replies).toEqual(['request-headers', `request-body→${picked}`]);
      expect(exchange.router.requests[0]?.isBodyComplete).toBe(mode === 'buffered');
    },
  );

  it('buffered: the time to decide begins with the body', async () => {
    const { route } = waitingOnce();
    const exchange = startExchange({ route });
    exchange.headers({ requestBodyMode: 'buffered' });
    await exchange.clock.advance(5_000);
    exchange.body('abc', true);
    await exchange.clock.advance(199);
    expect(exchange.replies).toEqual(['request-headers']);
    await exchange.clock.advance(1);
    expect(exchange.replies.at(-1)).toBe(`request-body→${picked}`);
  });

  it('buffered: a request without a body gets its pick in the headers reply', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'buffered' }, {}, true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`]);
  });

  it('buffered: a body that ends with trailers is decided by its message', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'buffered' });
    exchange.body('abc');
    expect(exchange.router.requests[0]?.isBodyComplete).toBe(true);
    exchange.trailers();
    expect(exchange.replies).toEqual(['request-headers', `request-body→${picked}`, 'request-trailers']);
  });

  it('buffered: trailers without a body name the pick in their metadata', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'buffered' });
    exchange.trailers();
    expect(exchange.replies).toEqual(['request-headers', 'request-trailers']);
    expect(exchange.sent[1]).toMatchObject({ destination: picked });
  });

  it('streamed: decided by the headers, each message let on', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'streamed' });
    exchange.body('abc');
    exchange.body('', true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body', 'request-body']);
    expect(exchange.router.requests[0]?.body).toBeNull();
  });

  it('streamed ahead: decided by the body, one reply a message', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'streamed', sendsBodyAhead: true });
    exchange.body('abc');
    exchange.body('def', true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body', 'request-body']);
    expect(bodyTold(exchange.router)).toBe('abcdef');
  });

  it('none: decided by the headers', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'none' });
    expect(exchange.replies).toEqual([`request-headers→${picked}`]);
  });
});

describe('the end of the data plane’s side', () => {
  it('in the middle of a body frees everything and asks nothing', async () => {
    const exchange = startExchange();
    exchange.headers({});
    exchange.body('half');
    exchange.exchange.onHalfClose();
    expect(exchange.wire.isEnded).toBe(true);
    exchange.exchange.onClose();
    await exchange.clock.advance(1_000);
    expect(exchange.router.requests).toEqual([]);
    expect(exchange.clock.pending).toBe(0);
  });

  it('ends a body that nothing was announced of', () => {
    const exchange = startExchange();
    exchange.headers(null);
    exchange.body('abc');
    exchange.exchange.onHalfClose();
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "abc" end']);
    expect(exchange.wire.isEnded).toBe(true);
  });

  it('waits for a decision on a body that is whole', async () => {
    const { gate, route } = waitingOnce();
    const exchange = startExchange({ route });
    exchange.headers();
    exchange.body('abc', true);
    exchange.exchange.onHalfClose();
    expect(exchange.wire.isEnded).toBe(false);
    gate.resolve();
    await exchange.clock.advance(0);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, 'request-body "abc" end']);
    expect(exchange.wire.isEnded).toBe(true);
  });
});

it('ends after the request where it is told to, and owes nothing then', () => {
  const exchange = startExchange({ endsAfterRequest: true });
  exchange.headers({ responseBodyMode: 'full-duplex' });
  exchange.body('abc', true);
  expect(exchange.wire.isEnded).toBe(true);
  exchange.exchange.onClose();
  expect(exchange.router.requests[0]?.observesResponse).toBe(false);
  expect(exchange.router.tickets).toEqual([[]]);
});

describe('token ids that the engine is to be given', () => {
  const decide = () => ({
    takeTokenIds: () => ({ member: 'kv_transfer_params' as const, tokenIds: Int32Array.of(1, 20) }),
  });
  const body = '{"messages":[]}';
  const handed = '{"messages":[],"kv_transfer_params":{"prompt_token_ids":[1,20]}}';

  it('are added to a buffered body, with its new length', () => {
    const exchange = startExchange({ decide });
    exchange.headers({ requestBodyMode: 'buffered' }, { 'content-length': String(body.length) });
    exchange.body(body, true);

    const [, reply] = exchange.sent;
    const change = reply?.kind === 'continue' && reply.change !== null && 'body' in reply.change ? reply.change : null;
    expect(Buffer.from(change?.body ?? []).toString()).toBe(handed);
    expect(change?.set).toMatchObject({ 'content-length': String(handed.length) });
  });

  it.each(['buffered-partial', 'full-duplex'] as const)('are not added to a body in mode %s', (requestBodyMode) => {
    const exchange = startExchange({ decide });
    exchange.headers({ requestBodyMode }, { 'content-length': String(body.length) });
    exchange.body(body, true);
    expect(JSON.stringify(exchange.sent)).not.toContain('content-length');
    expect(exchange.replies.join()).not.toContain('kv_transfer_params');
  });
});

describe('what control headers ask', () => {
  it('is told to routing by either name', () => {
    const exchange = startExchange();
    exchange.headers(
      {},
      {
        'x-llm-d-inference-objective': 'batch',
        'x-gateway-inference-fairness-id': 'tenant-a',
        'x-slo-ttft-ms': '200',
        'x-llm-d-slo-tpot-ms': 'soon',
      },
      true,
    );

    expect(exchange.router.requests[0]?.control).toEqual({
      model: null,
      objective: 'batch',
      fairnessId: 'tenant-a',
      sloTtftMs: 200,
      sloTpotMs: null,
    });
  });

  it('is absent where they ask nothing', () => {
    const exchange = startExchange();
    exchange.headers({}, { 'x-llm-d-inference-objective': ' ', 'x-slo-ttft-ms': '-1' }, true);

    expect(exchange.router.requests[0]).not.toHaveProperty('control');
  });

  it('names another model in the body before routing sees it, and its length', () => {
    const exchange = startExchange();
    exchange.headers({}, { 'content-length': '13', 'x-llm-d-model-name-rewrite': 'longer' });
    exchange.body('{"model":"m"}');

    expect(bodyTold(exchange.router)).toBe('{"model":"longer"}');
    expect(exchange.sent[0]).toMatchObject({ change: { set: { 'content-length': '18' } } });
    expect(exchange.replies.at(-1)).toBe('request-body "{\\"model\\":\\"longer\\"}"');
  });

  it('changes no body that can no longer be changed', () => {
    const exchange = startExchange();
    exchange.headers({ requestBodyMode: 'streamed', sendsBodyAhead: true }, { 'x-llm-d-model-name-rewrite': 'longer' });
    exchange.body('{"model":"m"}', true);

    expect(bodyTold(exchange.router)).toBe('{"model":"m"}');
  });
});
