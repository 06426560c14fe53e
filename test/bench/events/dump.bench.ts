/** One endpoint's part of the index, handed from process to process; the baseline stores the same blocks by events. */

import { silentMetrics, systemClock } from '../../../sidecar/core/index.ts';
import { createTurnQueue, type DumpSource, openDump, writeDump } from '../../../sidecar/events/index.ts';
import { createPrefixIndex } from '../../../sidecar/kvindex/index.ts';
import { streamEndpoint } from '../../support/stream-harness.ts';
import type { Benchmark } from '../harness.ts';
import { fill, keySeed } from '../kvindex/workload.ts';

const endpoint = streamEndpoint('a');
const position = {
  last: 1,
  firstTimestamp: 1,
  lastTimestamp: 1,
  marks: [],
  appliedBatches: 1,
  lostBatches: 0,
  storedBlocks: 0,
  orphanedBlocks: 0,
};

/** An index with one endpoint, which holds so many blocks or a few more. */
const filled = (blocks: number) => {
  const index = createPrefixIndex({ keySeed });
  const { holders } = fill(index, { blocks, endpoints: 1 });
  const [holder] = holders;
  if (holder === undefined) throw new RangeError('no endpoint');
  return { index, holder };
};

const handingOver = (options: { readonly blocks: number; readonly isHeavy: boolean }): Benchmark => ({
  name: `dump: ${options.blocks} blocks of one endpoint`,
  unit: 'block',
  unitsPerCall: options.blocks,
  isHeavy: options.isHeavy,
  setup: async () => {
    const turns = createTurnQueue({ clock: systemClock, metrics: silentMetrics });
    const source: DumpSource = {
      ...filled(options.blocks),
      endpoint,
      startedAtSeconds: null,
      position: () => position,
    };
    const write = () => writeDump({ sources: [source], keySeed, instance: 'bench', writtenAtMs: 0, turns });
    const pieces: Uint8Array[] = [];
    for await (const piece of write()) pieces.push(piece);
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const taken = async function* (): AsyncGenerator<Uint8Array, void, void> {
      yield* pieces;
    };
    return {
      baseline: 'events',
      bodies: [
        { name: 'events', run: () => filled(options.blocks) },
        {
          name: 'write',
          run: async () => {
            for await (const _ of write());
          },
          figures: () => ({ 'bytes a block': bytes / source.index.blocksOf(source.holder) }),
        },
        {
          name: 'read and load',
          run: async () => {
            const index = createPrefixIndex({ keySeed });
            const holder = index.addHolder(endpoint.id);
            for await (const { content } of (await openDump(taken())).endpoints) {
              const steps = index.loadHolder(holder, content);
              let isDone = false;
              while (!isDone) {
                await turns.run(() => {
                  isDone = steps.next().done === true;
                });
              }
            }
            return index;
          },
        },
      ],
    };
  },
});

export const benchmarks: readonly Benchmark[] = [
  handingOver({ blocks: 30_000, isHeavy: false }),
  handingOver({ blocks: 1_000_000, isHeavy: true }),
];
