import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type BlockKeys,
  computeBlockKeys,
  createSpeculativeIndex,
  type Holder,
} from '../../../sidecar/kvindex/index.ts';
import { plainIdentity, tokens } from '../../support/block-events.ts';

const holder = (number: number): Holder => number as Holder; // stands for a number given out by an index

const keys = (tokenIds: readonly number[] | Int32Array): BlockKeys =>
  computeBlockKeys(Int32Array.from(tokenIds), { blockSize: 1, identity: plainIdentity });

const match = (
  index: ReturnType<typeof createSpeculativeIndex>,
  prompt: BlockKeys,
  capacity = 3,
): readonly number[] => {
  const into = new Int32Array(capacity).fill(99);
  index.match(prompt, into);
  return [...into];
};

describe('speculative index', () => {
  it('gives each holder the longest prefix shared with one of its bookings', () => {
    const index = createSpeculativeIndex();
    index.book(holder(0), keys([1, 2, 3, 4]));
    index.book(holder(0), keys([1, 2, 9]));
    index.book(holder(2), keys([1, 2, 3, 4, 5, 6]));
    expect(match(index, keys([1, 2, 3, 4, 5]))).toEqual([4, 0, 5]);
  });

  it('keeps a chain until each of its equal bookings is released', () => {
    const index = createSpeculativeIndex();
    const first = index.book(holder(1), keys([1, 2]));
    const second = index.book(holder(1), keys([1, 2]));
    index.release(first);
    index.release(first);
    expect(match(index, keys([1, 2]))).toEqual([0, 2, 0]);
    index.release(second);
    expect(match(index, keys([1, 2]))).toEqual([0, 0, 0]);
    expect(index.bookings).toBe(0);
  });

  it('drops every booking of one holder only, and releasing those later does nothing', () => {
    const index = createSpeculativeIndex();
    const dropped = index.book(holder(0), keys([1, 2]));
    index.book(holder(0), keys([1, 3]));
    index.book(holder(1), keys([1, 2]));
    index.drop(holder(0));
    index.release(dropped);
    expect(match(index, keys([1, 2]))).toEqual([0, 2, 0]);
    expect(index.bookings).toBe(1);
  });

  it('takes prompts without a full block and holders beyond the result array', () => {
    const index = createSpeculativeIndex();
    const empty = index.book(holder(0), keys([]));
    index.book(holder(7), keys([1]));
    expect(match(index, keys([]))).toEqual([0, 0, 0]);
    expect(match(index, keys([1]))).toEqual([0, 0, 0]);
    expect(() => index.release(empty)).not.toThrow();
  });

  it('agrees with comparing block by block', () => {
    const prompt = fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 8 });
    const booking = fc.record({ holder: fc.nat(2), prompt, isReleased: fc.boolean() });
    fc.assert(
      fc.property(fc.array(booking, { maxLength: 12 }), prompt, (bookings, asked) => {
        const index = createSpeculativeIndex();
        const handles = bookings.map((booked) => index.book(holder(booked.holder), keys(booked.prompt)));
        const expected = [0, 0, 0];
        for (const [position, booked] of bookings.entries()) {
          const handle = handles[position];
          if (booked.isReleased && handle !== undefined) index.release(handle);
          else {
            const differing = asked.findIndex((token, at) => token !== booked.prompt[at]);
            const shared = differing < 0 ? asked.length : differing;
            expected[booked.holder] = Math.max(expected[booked.holder] ?? 0, shared);
          }
        }
        expect(match(index, keys(asked))).toEqual(expected);
        for (const handle of handles) index.release(handle);
        expect(match(index, keys(asked))).toEqual([0, 0, 0]);
        const again = index.book(holder(1), keys(asked));
        expect(match(index, keys(asked))).toEqual([0, asked.length, 0]);
        index.release(again);
      }),
    );
  });

  it('finds a long shared prefix among chains that begin alike', () => {
    const index = createSpeculativeIndex();
    for (let number = 0; number < 300; number += 1) {
      const booked = tokens(1000);
      booked[500 + number] = 0;
      index.book(holder(number % 3), keys(booked));
    }
    expect(match(index, keys(tokens(1000)))).toEqual([797, 798, 799]);
  });
});
