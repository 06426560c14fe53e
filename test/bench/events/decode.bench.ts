/** Event payloads to domain events; the general msgpack decoder, whose objects would still have to be read, is the baseline. */

import { decode } from '@msgpack/msgpack';
import { engineAdapters } from '../../../sidecar/events/index.ts';
import type { Benchmark } from '../harness.ts';
import { makePayloads, type PayloadShape } from './payloads.ts';

const batches = 64;

const compare = (what: string, shape: PayloadShape): Benchmark => ({
  name: `decode: ${what}`,
  unit: 'stored block',
  unitsPerCall: batches * shape.events * shape.blocksPerEvent,
  setup: () => {
    const payloads = makePayloads(shape, { batches, cacheBlocks: 0 });
    const bytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
    const each = (read: (payload: Uint8Array) => unknown) => () => {
      let last: unknown = null;
      for (const payload of payloads) last = read(payload);
      return last;
    };
    return {
      baseline: '@msgpack/msgpack',
      bodies: [
        { name: '@msgpack/msgpack', run: each((payload) => decode(payload, { useBigInt64: true })) },
        {
          name: 'adapter, whole',
          run: each(engineAdapters.vllm.decode),
          figures: () => ({ 'bytes a batch': bytes / batches }),
        },
        { name: 'adapter, timestamp and rank only', run: each(engineAdapters.vllm.peek) },
      ],
    };
  },
});

const decoding = { events: 16, blocksPerEvent: 1, tokensPerBlock: 16, evicts: true };
const prefill = { events: 1, blocksPerEvent: 256, tokensPerBlock: 16, evicts: false };

/** A step of decoding (16 single blocks stored and removed) and a chunk of prefill (256 blocks at once), both encodings. */
export const benchmarks: readonly Benchmark[] = [
  compare('array events, 16 stored and 16 removed', { ...decoding, encoding: 'array' }),
  compare('map events, 16 stored and 16 removed', { ...decoding, encoding: 'map' }),
  compare('array event, 256 blocks', { ...prefill, encoding: 'array' }),
  compare('map event, 256 blocks', { ...prefill, encoding: 'map' }),
];
