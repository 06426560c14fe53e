import { describe, expect, it } from '@jest/globals';
import { type ExchangeHarness, picked, startExchange } from './exchange-harness.ts';

const routed = (options: Parameters<typeof startExchange>[0] = {}): ExchangeHarness => {
  const exchange = startExchange(options);
  exchange.headers({ responseBodyMode: 'full-duplex' }, {}, true);
  return exchange;
};

const usage = '{"prompt_tokens":40,"prompt_tokens_details":{"cached_tokens":32},"completion_tokens":2}';
const reported = { promptTokens: 40, cachedTokens: 32, completionTokens: 2 };

describe('full-duplex response', () => {
  it('sends each piece back at once and reads first token and usage', () => {
    const exchange = routed();
    expect(exchange.router.requests[0]?.observesResponse).toBe(true);
    exchange.responseHeaders({ 'content-type': 'text/event-stream' }, { served: picked });
    exchange.responseBody('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n');
    expect(exchange.router.tickets).toEqual([[]]);
    exchange.responseBody('data: {"choices":[{"delta":{"content":"a"}}]}\n\n');
    expect(exchange.router.tickets).toEqual([['first-token']]);
    exchange.responseBody(`data: {"choices":[],"usage":${usage}}\n\n`);
    exchange.responseBody('', true);
    expect(exchange.router.tickets).toEqual([['first-token', { finished: reported }]]);
    expect(exchange.replies.slice(1).map((reply) => reply.split(' ')[0])).toEqual([
      'response-headers',
      ...Array(4).fill('response-body'),
    ]);
    expect(exchange.replies.at(-1)).toBe('response-body "" end');
    expect(exchange.wire.isEnded).toBe(true);
  });

  it('says what was decided on the answer, and takes off what an engine may not say', () => {
    const exchange = routed();
    exchange.responseHeaders({ 'x-warmroute-endpoint': 'spoofed', 'x-warmroute-reason': 'spoofed' });
    expect(exchange.sent[1]).toMatchObject({
      change: {
        set: {
          'x-warmroute-decision': 'd-1',
          'x-warmroute-reason': 'prefix',
          'x-warmroute-prompt-tokens': '40',
          'x-warmroute-cached-tokens': '32',
        },
        remove: ['x-warmroute-endpoint'],
      },
    });
  });

  it('ends with trailers too', () => {
    const exchange = routed();
    exchange.responseHeaders();
    exchange.responseBody('x');
    exchange.exchange.onMessage(
      { kind: 'response-trailers' },
      { protocol: null, subset: () => null, served: () => null },
    );
    expect(exchange.replies.at(-1)).toBe('response-trailers');
    expect(exchange.router.tickets).toEqual([['first-token', { finished: null }]]);
  });

  it('tells an error status apart from tokens', () => {
    const exchange = routed();
    exchange.responseHeaders({ ':status': '500' });
    exchange.responseBody('{"error":{}}', true);
    expect(exchange.router.tickets).toEqual([[{ failed: 'error-status' }]]);
  });

  it('releases the booking where another endpoint served', () => {
    const exchange = routed();
    exchange.responseHeaders({}, { served: '10.9.9.9:1' });
    exchange.responseBody(`{"usage":${usage}}`, true);
    expect(exchange.router.tickets[0]?.[0]).toEqual({ failed: 'upstream' });
  });

  it('tells the ticket of a client that left in the middle', () => {
    const exchange = routed();
    exchange.responseHeaders();
    exchange.responseBody('x');
    exchange.exchange.onClose();
    exchange.exchange.onClose();
    expect(exchange.router.tickets).toEqual([['first-token', { failed: 'client-abort' }]]);
    expect(exchange.abandoned).toEqual(['d-1']);
  });

  it('tells the ticket of a client that left before any answer', () => {
    const exchange = routed();
    exchange.exchange.onHalfClose();
    exchange.exchange.onClose();
    expect(exchange.wire.isEnded).toBe(true);
    expect(exchange.router.tickets).toEqual([[{ failed: 'client-abort' }]]);
  });

  it('can be let go once the request is through', () => {
    const early = startExchange();
    early.headers({ responseBodyMode: 'full-duplex' });
    early.body('half');
    early.exchange.release();
    expect(early.wire.isEnded).toBe(false);
    const late = routed();
    late.responseHeaders();
    late.exchange.release();
    expect(late.wire.isEnded).toBe(true);
  });

  it('goes on while the request is still coming', () => {
    const exchange = startExchange({ bodyLimitBytes: 3 });
    exchange.headers({ responseBodyMode: 'full-duplex' });
    exchange.body('abc');
    exchange.responseHeaders({ ':status': '413' });
    exchange.responseBody('too long', true);
    expect(exchange.wire.isEnded).toBe(false);
    exchange.body('def', true);
    expect(exchange.wire.isEnded).toBe(true);
    expect(exchange.replies.at(-1)).toBe('request-body "def" end');
  });
});

describe('other body modes', () => {
  it.each(['streamed', 'buffered', 'buffered-partial'] as const)('%s: an empty reply a message', (responseBodyMode) => {
    const exchange = startExchange();
    exchange.headers({ responseBodyMode }, {}, true);
    exchange.responseHeaders();
    exchange.responseBody(`{"usage":${usage}}`, true);
    expect(exchange.replies.slice(1)).toEqual(['response-headers', 'response-body']);
    expect(exchange.router.tickets).toEqual([['first-token', { finished: reported }]]);
  });

  it('none: the headers are answered, nothing is owed', () => {
    const exchange = startExchange();
    exchange.headers({ responseBodyMode: 'none' }, {}, true);
    exchange.responseHeaders();
    expect(exchange.replies.at(-1)).toBe('response-headers');
    expect(exchange.router.requests[0]?.observesResponse).toBe(false);
  });
});
