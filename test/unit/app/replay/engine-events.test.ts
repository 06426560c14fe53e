import { describe, expect, it } from '@jest/globals';
import { toKvEvents } from '../../../../sidecar/app/replay/engine-events.ts';
import type { BlockIdentity, CacheEvent } from '../../../../sidecar/simulator/index.ts';

const block = (hash: bigint, parent: BlockIdentity | null = null): BlockIdentity => ({
  hash,
  parent,
  depth: parent === null ? 0 : parent.depth + 1,
  tokenIds: Int32Array.of(Number(hash & 0xffn), 7),
  loraName: null,
  salt: null,
});

const stored = (...blocks: readonly BlockIdentity[]): CacheEvent => ({
  kind: 'stored',
  blocks,
  lora: null,
  sessionId: null,
});

describe("an engine's own events", () => {
  it('name blocks by both halves of their hashes, after their parent', () => {
    const first = block(0x1_0000_0002n);
    const second = block(0xffff_ffff_0000_0003n, first);
    expect(toKvEvents([stored(second)], 2)).toEqual([
      expect.objectContaining({
        kind: 'block-stored',
        parent: { lo: 2, hi: 1 },
        engineKeys: Int32Array.of(3, -1),
        tokenIds: Int32Array.of(3, 7),
        blockSize: 2,
        medium: 'GPU',
      }),
    ]);
    expect(toKvEvents([stored(first)], 2)[0]).toMatchObject({ parent: null });
  });

  it('keep their order, removals in a row as one', () => {
    const removed = (hash: bigint): CacheEvent => ({ kind: 'removed', hash });
    const events = toKvEvents([removed(1n), removed(2n), stored(block(3n)), removed(4n), { kind: 'cleared' }], 2);
    expect(events.map(({ kind }) => kind)).toEqual([
      'block-removed',
      'block-stored',
      'block-removed',
      'all-blocks-cleared',
    ]);
    expect(events[0]).toMatchObject({ engineKeys: Int32Array.of(1, 0, 2, 0) });
  });
});
