import { describe, expect, it } from '@jest/globals';
import { bodyTold, type ExchangeHarness, picked, startExchange, waitingOnce } from './exchange-harness.ts';

describe('memory of a body whose length is announced', () => {
  const announced = { 'content-length': '20000' };
  const half = 'x'.repeat(10_000);
  const isMemoryOf = (exchange: ExchangeHarness, position = 0): boolean =>
    exchange.bodies.lend(20_000).bytes.buffer === exchange.router.requests[position]?.body?.buffer;

  it('is the next body’s once it is sent, not before', () => {
    const exchange = startExchange();
    exchange.headers({}, announced);
    exchange.body(half);
    exchange.body(half, true);
    expect(exchange.replies).toEqual([`request-headers→${picked}`, `request-body "${half}${half}" end`]);
    expect(isMemoryOf(exchange)).toBe(false);
    exchange.flush();
    expect(isMemoryOf(exchange)).toBe(true);
    expect(isMemoryOf(exchange)).toBe(false);
  });

  it('is the next one’s at once where nothing of it is sent', () => {
    const refused = startExchange({ endpoints: [] });
    refused.headers({}, announced);
    const streamed = startExchange();
    streamed.headers({ requestBodyMode: 'streamed', sendsBodyAhead: true }, announced);
    for (const exchange of [refused, streamed]) {
      exchange.body(half);
      exchange.body(half, true);
      expect(isMemoryOf(exchange)).toBe(true);
    }
  });

  it('stays its own where routing may still read it', async () => {
    const { gate, route } = waitingOnce();
    const exchange = startExchange({ route });
    exchange.headers({}, announced);
    exchange.body(half);
    exchange.body(half, true);
    await exchange.clock.advance(200);
    expect(exchange.replies).toHaveLength(2);
    exchange.flush();
    gate.resolve();
    await exchange.clock.advance(0);
    expect(bodyTold(exchange.router, 1)).toBe(half + half);
    expect(isMemoryOf(exchange, 1)).toBe(false);
  });

  it('stays its own where the stream breaks off', () => {
    const exchange = startExchange();
    exchange.headers({}, announced);
    exchange.body(half);
    exchange.body(half, true);
    exchange.exchange.onClose();
    expect(isMemoryOf(exchange)).toBe(false);
  });
});
