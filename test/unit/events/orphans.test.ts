import { describe, expect, it } from '@jest/globals';
import { batchOf, liveFrames } from '../../support/event-payloads.ts';
import { createStreamHarness, type StreamHarness } from '../../support/stream-harness.ts';

/** Publishes events to a stream as its next batch. */
const publisher = ({ stream }: StreamHarness) => {
  let sequence = 0;
  return (...events: readonly unknown[]): void => {
    stream.receive(liveFrames(sequence, batchOf(events, { atSeconds: 1_750_000_000 + sequence })));
    sequence += 1;
  };
};
/** A stored event of blocks of one token each; tokens equal hashes. */
const stored = (parent: number | null, ...hashes: readonly number[]) => [
  'BlockStored',
  hashes,
  parent,
  hashes,
  1,
  null,
  'GPU',
];
const removed = (...hashes: readonly number[]) => ['BlockRemoved', hashes, 'GPU'];
const setUp = (timing: Parameters<typeof createStreamHarness>[0] = {}) => {
  const harness = createStreamHarness({ hasReplay: false, ...timing });
  const { index, endpoint, stream } = harness;
  return {
    ...harness,
    publish: publisher(harness),
    cached: (...tokenIds: readonly number[]) =>
      index.cachedTokens(endpoint, { tokenIds: [...tokenIds, 0], blockSize: 1 }),
    orphans: () => stream.report().orphanedBlocks,
  };
};

describe('blocks with an unknown parent', () => {
  it('count against trust and are not attached to the root', () => {
    const { publish, cached, orphans, stream } = setUp();
    publish(stored(null, 1), stored(9, 10, 11));
    expect(cached(10, 11)).toBe(0);
    expect(orphans()).toBe(2);
    expect(stream.trust()).toEqual({ trust: 'degraded', reason: 'orphaned-blocks', missingShare: 2 / 3 });
  });

  it('find their place, with their children, when the parent is stored after all', () => {
    const { publish, cached, orphans, stream } = setUp();
    publish(stored(9, 10, 11));
    publish(stored(11, 12));
    publish(stored(1, 9));
    publish(stored(null, 1));
    expect(cached(1, 9, 10, 11, 12)).toBe(5);
    expect(orphans()).toBe(0);
    expect(stream.trust().trust).toBe('exact');
  });

  it('that the engine removes meanwhile are not attached, nor is what hangs on them', () => {
    const { publish, cached, orphans } = setUp();
    publish(stored(9, 10, 11, 12));
    publish(removed(11));
    publish(stored(null, 9));
    expect(cached(9, 10, 11, 12)).toBe(2);
    expect(orphans()).toBe(1);
    publish(stored(10, 11));
    expect(cached(9, 10, 11, 12)).toBe(4);
    expect(orphans()).toBe(0);
  });

  it('stored twice are held until removed twice', () => {
    const { publish, cached, orphans } = setUp();
    publish(stored(9, 10), stored(9, 10));
    expect(orphans()).toBe(2);
    publish(stored(null, 9));
    publish(removed(10));
    expect(cached(9, 10)).toBe(2);
    publish(removed(10));
    expect(cached(9, 10)).toBe(1);
  });

  it('lose one copy at a time while they wait', () => {
    const { publish, cached } = setUp();
    publish(stored(9, 10), stored(9, 10), removed(10), removed(77));
    publish(stored(null, 9));
    expect(cached(9, 10)).toBe(2);
    publish(removed(10));
    expect(cached(9, 10)).toBe(1);
  });

  it('keep what makes them their own', () => {
    const { publish, index, endpoint } = setUp();
    publish(['BlockStored', [10, 11], 9, [10, 11], 1, 1, 'GPU', 'sql', [['sql', 'x'], null]]);
    publish(['BlockStored', [9], null, [9], 1, 1, 'GPU', 'sql', null]);
    const chains = [...index.contents(endpoint).keys()];
    expect(chains).toContain('/9;sql;[]/10;sql;["x"]/11;sql;[]');
  });

  it('of another group are not theirs', () => {
    const { publish, orphans } = setUp();
    publish({
      type: 'BlockStored',
      block_hashes: [10],
      parent_block_hash: 9,
      token_ids: [10],
      block_size: 1,
      group_idx: 1,
    });
    publish(stored(null, 9));
    expect(orphans()).toBe(1);
  });

  it('are bounded in number, oldest dropped first, and stay counted', () => {
    const { publish, cached, orphans } = setUp({ timing: { maxOrphanBlocks: 2 } });
    publish(stored(9, 10), stored(20, 21), stored(30, 31));
    publish(stored(null, 9), stored(null, 20), stored(null, 30));
    expect([cached(9, 10), cached(20, 21), cached(30, 31)]).toEqual([1, 2, 2]);
    expect(orphans()).toBe(1);
  });

  it('are bounded in age', async () => {
    const { publish, cached, clock } = setUp({ timing: { maxOrphanAgeMs: 1_000 } });
    publish(stored(9, 10));
    await clock.advance(1_001);
    publish(stored(20, 21));
    publish(stored(null, 9), stored(null, 20));
    expect([cached(9, 10), cached(20, 21)]).toEqual([1, 2]);
  });

  it('are forgotten when the cache is cleared', () => {
    const { publish, cached, orphans } = setUp();
    publish(stored(9, 10), ['AllBlocksCleared']);
    publish(stored(null, 9));
    expect(cached(9, 10)).toBe(1);
    expect(orphans()).toBe(0);
  });
});
