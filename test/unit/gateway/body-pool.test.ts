import { describe, expect, it } from '@jest/globals';
import { BodyPool } from '../../../sidecar/gateway/body-pool.ts';

describe('memory for bodies', () => {
  it('is lent to one at a time, as long as it is asked for', () => {
    const pool = new BodyPool();
    const first = pool.lend(20_000);
    expect(first.bytes).toHaveLength(20_000);
    expect(pool.lend(20_000).bytes.buffer).not.toBe(first.bytes.buffer);
    first.giveBack();
    first.giveBack();
    const next = pool.lend(30_000);
    expect(next.bytes).toHaveLength(30_000);
    expect(next.bytes.buffer).toBe(first.bytes.buffer);
    expect(pool.lend(30_000).bytes.buffer).not.toBe(first.bytes.buffer);
  });

  it('is not taken from longer or shorter bodies', () => {
    const pool = new BodyPool();
    const lent = pool.lend(100_000);
    lent.giveBack();
    expect(pool.lend(10_000).bytes.buffer).not.toBe(lent.bytes.buffer);
    expect(pool.lend(140_000).bytes.buffer).not.toBe(lent.bytes.buffer);
    expect(pool.lend(70_000).bytes.buffer).toBe(lent.bytes.buffer);
  });

  it('is kept up to 16 MiB', () => {
    const pool = new BodyPool();
    const loans = Array.from({ length: 5 }, () => pool.lend(4_194_304));
    for (const { giveBack } of loans) giveBack();
    const kept = new Set(loans.map(({ bytes }) => bytes.buffer));
    const again = Array.from({ length: 5 }, () => kept.has(pool.lend(4_194_304).bytes.buffer));
    expect(again).toEqual([true, true, true, true, false]);
  });
});
