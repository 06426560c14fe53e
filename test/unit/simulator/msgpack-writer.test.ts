import { expect, it } from '@jest/globals';
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { MsgpackWriter } from '../../../sidecar/simulator/msgpack-writer.ts';

it('writes every unsigned integer in its shortest form', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: 63 }), (value, shift) => {
      const shifted = value >> BigInt(shift);
      const writer = new MsgpackWriter(1);
      writer.uint64(shifted);
      const bytes = writer.take();
      const isNumber = shifted < 2n ** 32n;
      expect(bytes.toString('hex')).toBe(
        Buffer.from(encode(isNumber ? Number(shifted) : shifted, { useBigInt64: true })).toString('hex'),
      );
    }),
  );
});

it('writes numbers below 2^53 as the same integers', () => {
  for (const value of [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const writer = new MsgpackWriter();
    writer.uint(value);
    expect(Number(decode(writer.take(), { useBigInt64: true }))).toBe(value);
  }
});

it('writes strings and arrays of any length so that a standard decoder reads them back', () => {
  for (const length of [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    const writer = new MsgpackWriter(1);
    const text = 'é'.repeat(length);
    writer.arrayHead(2);
    writer.string(text);
    writer.arrayHead(length);
    for (let item = 0; item < length; item++) writer.nil();
    expect(decode(writer.take())).toEqual([text, Array.from({ length }, () => null)]);
  }
});

it('begins anew after each take', () => {
  const writer = new MsgpackWriter();
  writer.mapHead(1);
  writer.string('a');
  writer.float(1);
  expect(decode(writer.take())).toEqual({ a: 1 });
  writer.nil();
  expect(writer.take()).toEqual(Buffer.from([0xc0]));
});
