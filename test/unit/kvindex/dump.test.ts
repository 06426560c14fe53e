import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { endpointId, SidecarError } from '../../../sidecar/core/index.ts';
import {
  computeBlockKeys,
  createPrefixIndex,
  type DumpablePrefixIndex,
  type Holder,
  type KeySeed,
} from '../../../sidecar/kvindex/index.ts';
import { placeholder, plainIdentity, removed, stored, tokens } from '../../support/block-events.ts';

const withOne = (keySeed?: KeySeed): { index: DumpablePrefixIndex; a: Holder } => {
  const index = createPrefixIndex(keySeed === undefined ? {} : { keySeed });
  return { index, a: index.addHolder(endpointId('pool/a')) };
};

const dumpOf = (index: DumpablePrefixIndex, holder: Holder): Buffer => Buffer.concat([...index.dumpHolder(holder)]);

const load = (index: DumpablePrefixIndex, holder: Holder, dump: Uint8Array): number =>
  [...index.loadHolder(holder, dump)].length;

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (failure) {
    if (failure instanceof SidecarError) return failure.code;
    throw failure;
  }
  return 'no error';
};

const prompt = (index: DumpablePrefixIndex) =>
  computeBlockKeys(tokens(40), { blockSize: 4, identity: plainIdentity, seed: index.keySeed });

const match = (index: DumpablePrefixIndex): number => {
  const into = new Int32Array(index.capacity);
  index.match(prompt(index), into);
  return into[0] ?? -1;
};

/** An endpoint with two media, a count of 2, an ignored group and a hole. */
const filled = (keySeed?: KeySeed) => {
  const { index, a } = withOne(keySeed);
  index.store(a, stored({ keys: [1, 2, 3, 4], tokenIds: tokens(16) }));
  index.store(a, stored({ keys: [1, 2], tokenIds: tokens(8) }));
  index.store(a, placeholder([1, 2, 3], 'CPU ☃'));
  index.store(a, stored({ keys: [9], tokenIds: tokens(4), attentionKind: 'mamba', group: 3 }));
  return { index, a };
};

describe('dump of an endpoint', () => {
  it('brings back counts, media, parents and ignored groups', () => {
    const original = filled();
    const { index, a } = withOne();
    load(index, a, dumpOf(original.index, original.a));
    expect(match(index)).toBe(4);
    expect(index.mediaOf(a, prompt(index), 2)).toEqual(['CPU ☃', 'GPU']);
    expect(index.remove(a, removed([9], 'GPU', 3))).toBe(0);
    expect(index.store(a, stored({ keys: [5], parent: 4, tokenIds: tokens(4, 17) })).kind).toBe('stored');
    expect(match(index)).toBe(5);
    expect(index.remove(a, removed([1, 1, 1]))).toBe(1);
    expect(index.remove(a, removed([1], 'CPU ☃'))).toBe(0);
    expect(match(index)).toBe(0);
  });

  it('is accepted at any alignment, in an index that takes on its seed while it is empty', () => {
    const original = filled({ lo: 11, hi: 12 });
    const dump = dumpOf(original.index, original.a);
    const shifted = new Uint8Array(dump.length + 1);
    shifted.set(dump, 1);
    const { index, a } = withOne({ lo: 21, hi: 22 });
    load(index, a, shifted.subarray(1));
    expect(index.keySeed).toEqual({ lo: 11, hi: 12 });
    expect(match(index)).toBe(4);
  });

  it('is refused under another seed while blocks are held, and for an endpoint that holds some', () => {
    const original = filled({ lo: 11, hi: 12 });
    const dump = dumpOf(original.index, original.a);
    const { index, a } = filled({ lo: 21, hi: 22 });
    const b = index.addHolder(endpointId('pool/b'));
    expect(codeOf(() => load(index, b, dump))).toBe('invalid-argument');
    expect(codeOf(() => load(index, a, dump))).toBe('invalid-argument');
    expect(index.keySeed).toEqual({ lo: 21, hi: 22 });
    expect(index.blocksOf(b)).toBe(0);
  });

  it('does not become whole when the endpoint is cleared, removed or dumped anew meanwhile', () => {
    const interruptions = [
      (index: DumpablePrefixIndex, a: Holder) => index.clear(a),
      (index: DumpablePrefixIndex, a: Holder) => index.removeHolder(a),
      (index: DumpablePrefixIndex, a: Holder) => index.dumpHolder(a).next(),
    ];
    for (const interrupt of interruptions) {
      const { index, a } = filled();
      const dump = index.dumpHolder(a);
      dump.next();
      dump.next();
      interrupt(index, a);
      expect(codeOf(() => [...dump])).toBe('unavailable');
    }
  });

  it('is given up when it lags behind by a million changes', () => {
    const { index, a } = withOne();
    const blocks = Array.from({ length: 1000 }, (_, block) => block + 1);
    const event = stored({ keys: blocks, tokenIds: blocks, blockSize: 1 });
    index.store(a, event);
    const dump = index.dumpHolder(a);
    dump.next();
    for (let round = 0; round < 1001; round += 1) index.store(a, event);
    expect(codeOf(() => [...dump])).toBe('unavailable');
  });

  it('says no for an unknown endpoint', () => {
    const { index } = withOne();
    const unknown = 9 as Holder; // stands for one that was never given out
    expect(codeOf(() => index.dumpHolder(unknown).next())).toBe('invalid-argument');
    expect(codeOf(() => index.loadHolder(unknown, new Uint8Array()).next())).toBe('invalid-argument');
  });

  it('comes in pieces and goes back in steps, with chains in consecutive nodes', () => {
    const { index, a } = withOne();
    for (let chain = 0; chain < 60; chain += 1) {
      const keys = Array.from({ length: 500 }, (_, block) => chain * 500 + block + 1);
      index.store(a, stored({ keys, tokenIds: keys, blockSize: 1 }));
    }
    const pieces = [...index.dumpHolder(a)];
    expect(pieces.length).toBeGreaterThan(10);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200_000);
    const copy = withOne();
    expect(load(copy.index, copy.a, Buffer.concat(pieces))).toBeGreaterThan(10);
    expect(copy.index.stats()).toMatchObject({ blocks: 30_000, pairs: 30_000 });
    const keys = Int32Array.from({ length: 500 }, (_, block) => 59 * 500 + block + 1);
    const into = new Int32Array(1);
    copy.index.match(computeBlockKeys(keys, { blockSize: 1, identity: plainIdentity }), into);
    expect([...into]).toEqual([500]);
  });

  it('is refused with a code when anything of it is cut off, and never harms when a word is changed', () => {
    const original = filled();
    const dump = dumpOf(original.index, original.a);
    for (let length = 0; length < dump.length; length += 1) {
      const { index, a } = withOne();
      expect(codeOf(() => load(index, a, dump.subarray(0, length)))).toBe('invalid-argument');
      expect(index.blocksOf(a)).toBe(0);
    }
    fc.assert(
      fc.property(fc.nat(dump.length / 4 - 1), fc.oneof(fc.integer(), fc.integer({ min: -2, max: 12 })), (at, word) => {
        const damaged = Buffer.from(dump);
        damaged.writeInt32LE(word | 0, at * 4);
        const { index, a } = withOne();
        expect(['no error', 'invalid-argument']).toContain(codeOf(() => load(index, a, damaged)));
        index.store(a, stored({ keys: [77], tokenIds: tokens(4) }));
        index.clear(a);
        expect(match(index)).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused with a code when it is no dump at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { index, a } = withOne();
        expect(codeOf(() => load(index, a, bytes))).toBe('invalid-argument');
      }),
    );
  });
});
