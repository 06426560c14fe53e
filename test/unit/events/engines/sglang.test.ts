import { describe, expect, it } from '@jest/globals';
import { engineAdapters } from '../../../../sidecar/events/index.ts';
import { batchOf } from '../../../support/event-payloads.ts';

const { sglang } = engineAdapters;
const first = (event: unknown) => sglang.decode(batchOf([event])).events[0];

describe('SGLang adapter', () => {
  it('reads signed hashes', () => {
    expect(first(['BlockStored', [-(2n ** 63n)], -1, [5, 6], 2, null, 'GPU'])).toMatchObject({
      engineKeys: Int32Array.of(0, -(2 ** 31)),
      parent: { lo: -1, hi: -1 },
    });
  });

  it.each([
    ['a trailing map', ['BlockStored', [1], null, [5], 1, null, 'GPU', { cache_salt: 'tenant' }]],
    [
      'a field',
      {
        type: 'BlockStored',
        block_hashes: [1],
        parent_block_hash: null,
        token_ids: [5],
        block_size: 1,
        cache_salt: 'tenant',
      },
    ],
  ])('puts a salt given by %s into block 0', (_, event) => {
    expect(first(event)).toMatchObject({ extras: [['tenant']], loraName: null });
  });

  it('leaves a salt off later blocks, which have it through their parent', () => {
    expect(first(['BlockStored', [1], 9, [5], 1, null, 'GPU', { cache_salt: 'tenant' }])).toMatchObject({
      extras: null,
    });
  });

  it('takes the first token of each pair of a bigram model', () => {
    const pairs = [
      [7, 8],
      [8, 900],
      [900, 9],
    ];
    expect(first(['BlockStored', [1], null, pairs, 3, null, 'GPU'])).toMatchObject({
      tokenIds: Int32Array.of(7, 8, 900),
    });
  });

  it('does not take the eighth element of vLLM for its own', () => {
    expect(first(['BlockStored', [1], null, [5], 1, null, 'CPU_PINNED', 'name'])).toMatchObject({
      loraName: null,
      medium: 'CPU_PINNED',
    });
  });

  it.each([
    ['an empty pair', [[]]],
    ['a pair of text', [['x', 1]]],
  ])('refuses %s', (_, tokens) => {
    expect(() => first(['BlockStored', [1], null, tokens, 1])).toThrow('[malformed-frame]');
  });
});
