import { describe, expect, it } from '@jest/globals';
import { endpointId } from '../../../sidecar/core/index.ts';
import { createPrefixIndex, type Holder, type PrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { stored } from '../../support/block-events.ts';

const fill = (
  index: PrefixIndex,
  holder: Holder,
  options: { readonly chains: number; readonly medium?: string },
): void => {
  for (let chain = 0; chain < options.chains; chain += 1) {
    const keys = Array.from({ length: 100 }, (_, block) => chain * 100 + block + 1);
    index.store(holder, stored({ keys, tokenIds: keys, blockSize: 1, medium: options.medium ?? 'GPU' }));
  }
};

describe('clearing an endpoint', () => {
  it('answers at once for itself and for blocks that others hold too', () => {
    const index = createPrefixIndex();
    const [a, b] = [index.addHolder(endpointId('pool/a')), index.addHolder(endpointId('pool/b'))];
    fill(index, a, { chains: 200 });
    fill(index, b, { chains: 50 });
    expect(index.clear(a)).toBe(20_000);
    expect(index.stats()).toMatchObject({ blocks: 5000, pairs: 5000 });
    expect(index.clear(b)).toBe(5000);
    expect(index.stats()).toMatchObject({ blocks: 0, pairs: 0 });
    expect(index.blockSizes()).toEqual([]);
  });

  it('gives memory back so that clearing again and again does not grow it', () => {
    const index = createPrefixIndex();
    const a = index.addHolder(endpointId('pool/a'));
    const round = (): number => {
      fill(index, a, { chains: 40 });
      fill(index, a, { chains: 40, medium: 'CPU' });
      index.clear(a);
      return index.stats().bytes;
    };
    let bytes = 0;
    for (let number = 0; number < 15; number += 1) bytes = Math.max(bytes, round());
    for (let number = 0; number < 30; number += 1) expect(round()).toBeLessThanOrEqual(bytes);
  });

  it('serves an endpoint that comes and goes with others in between', () => {
    const index = createPrefixIndex();
    const keeper = index.addHolder(endpointId('pool/keeper'));
    fill(index, keeper, { chains: 3 });
    for (let number = 0; number < 50; number += 1) {
      const visitor = index.addHolder(endpointId(`pool/${number}`));
      fill(index, visitor, { chains: 5 });
      index.removeHolder(visitor);
    }
    expect(index.capacity).toBe(2);
    expect(index.stats()).toMatchObject({ blocks: 300, pairs: 300, holders: 1 });
  });
});
