import { z } from 'zod';
import { computeBlockKeys, type KeySeed } from '../../kvindex/index.ts';

const count = z.int().nonnegative();

const marks = z
  .array(z.int())
  .max(4096)
  .refine(
    (values) => values.length % 2 === 0 && values.every((value, at) => at % 2 === 1 || value >= 0),
    'must be numbers with fingerprints',
  );

/** JSON of a position; see `StreamPosition`. */
export const positionShape = z.strictObject({
  last: count,
  firstTimestamp: z.number(),
  lastTimestamp: z.number(),
  marks,
  appliedBatches: count,
  lostBatches: count,
  storedBlocks: count,
  orphanedBlocks: count,
});

/** JSON that opens an endpoint's part: who it is, by what both sides know. */
export const endpointShape = z.object({
  id: z.string().min(1),
  address: z.string(),
  rank: count,
  engine: z.string(),
  /** Unix seconds at which the engine's process started, as it was told. */
  startedAtSeconds: z.number().nullable(),
  /** About how many bytes will follow. */
  expectedBytes: count,
});

/** JSON of the head. */
export const headShape = z.object({
  /** Random name of the process that wrote the dump. */
  instance: z.string().min(1),
  /** Unix milliseconds. */
  writtenAtMs: z.number(),
  /** Seed of the block keys. */
  keySeed: z.object({ lo: z.int(), hi: z.int() }),
  /** The key of a certain block under that seed, by which other ways to compute keys give themselves away. */
  keyProbe: z.string(),
});

const probeTokens = Int32Array.from({ length: 37 }, (_, at) => 1000 + 7919 * at);

/** The key of a block that everything about keys has a part in. */
export const keyProbe = (seed: KeySeed): string => {
  const identity = { loraName: 'probe', salt: 'probe', multimodal: [] };
  const { count: blocks, lo, hi } = computeBlockKeys(probeTokens, { blockSize: 9, identity, seed });
  return `${hi[blocks - 1]}:${lo[blocks - 1]}`;
};
