import { describe, expect, it } from '@jest/globals';
import { createDumpWriter, type DumpRequest } from '../../../../sidecar/app/warm-start/dump-writer.ts';
import { endpointId } from '../../../../sidecar/core/index.ts';
import { type DumpSource, openDump } from '../../../../sidecar/events/index.ts';
import { createPrefixIndex, type KeySeed } from '../../../../sidecar/kvindex/index.ts';
import { stored, tokens } from '../../../support/block-events.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { endlessTurn, streamEndpoint } from '../../../support/stream-harness.ts';

const keySeed = { lo: 1, hi: 2 };
const all: DumpRequest = { endpoints: null, headOnly: false };

const position = {
  last: 1,
  firstTimestamp: 1,
  lastTimestamp: 1,
  marks: [],
  appliedBatches: 1,
  lostBatches: 0,
  storedBlocks: 1,
  orphanedBlocks: 0,
};

const sourceOf = (name: string): DumpSource => {
  const index = createPrefixIndex({ keySeed });
  const holder = index.addHolder(endpointId(`pool/${name}`));
  index.store(holder, stored({ keys: [1, 2], tokenIds: tokens(8) }));
  return { endpoint: streamEndpoint(name), index, holder, startedAtSeconds: null, position: () => position };
};

const writerOf = (sources: readonly DumpSource[], seed: KeySeed | null = keySeed) =>
  createDumpWriter({
    sources: () => sources,
    keySeed: () => seed,
    instance: 'me',
    turns: endlessTurn,
    clock: createFakeClock(),
  });

const idsOf = async (dump: AsyncIterable<Uint8Array>): Promise<readonly string[]> => {
  const ids: string[] = [];
  for await (const { id } of (await openDump(dump)).endpoints) ids.push(id);
  return ids;
};

describe('writing dumps', () => {
  it('writes the endpoints asked for, all of them, or none', async () => {
    const writer = writerOf([sourceOf('a'), sourceOf('b')]);
    await expect(idsOf(writer.dump(all))).resolves.toEqual(['pool/a', 'pool/b']);
    await expect(idsOf(writer.dump({ endpoints: ['pool/b', 'pool/c'], headOnly: false }))).resolves.toEqual(['pool/b']);
    await expect(idsOf(writer.dump({ endpoints: null, headOnly: true }))).resolves.toEqual([]);
  });

  it('writes one after the other, and heads at any time', async () => {
    const writer = writerOf([sourceOf('a')]);
    const first = writer.dump(all);
    for (let piece = 0; piece < 4; piece += 1) await first.next();
    const second = idsOf(writer.dump(all));
    await expect(idsOf(writer.dump({ endpoints: null, headOnly: true }))).resolves.toEqual([]);
    await first.return();
    await expect(second).resolves.toEqual(['pool/a']);
  });

  it('is unavailable before the key seed is settled', async () => {
    await expect(
      writerOf([sourceOf('a')], null)
        .dump(all)
        .next(),
    ).rejects.toThrow('[unavailable]');
  });

  it('knows whether there is anything to write', () => {
    expect(writerOf([{ ...sourceOf('a'), position: () => null }]).hasContent()).toBe(false);
    expect(writerOf([sourceOf('a')]).hasContent()).toBe(true);
  });
});
