import { Encoder } from '@msgpack/msgpack';

const encoder = new Encoder({ useBigInt64: true });

/** MessagePack of any value; bigints as 64-bit integers. */
export const pack = (value: unknown): Uint8Array => encoder.encode(value);

/** A positional batch as vLLM publishes it. */
export const batchOf = (
  events: readonly unknown[],
  options: { readonly atSeconds?: number; readonly rank?: number | null } = {},
): Uint8Array => pack([options.atSeconds ?? 1750000000.5, events, options.rank === undefined ? 0 : options.rank]);

/** Eight bytes, big-endian. */
export const sequenceBytes = (sequence: bigint | number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
};

/** The three frames of a live message. */
export const liveFrames = (sequence: number, payload: Uint8Array, topic = ''): readonly Uint8Array[] => [
  Buffer.from(topic),
  sequenceBytes(sequence),
  payload,
];

/** The frames of one replay reply, as vLLM sends them from 0.26 on. */
export const replayFrames = (sequence: number, payload: Uint8Array): readonly Uint8Array[] => [
  Buffer.alloc(0),
  Buffer.alloc(0),
  sequenceBytes(sequence),
  payload,
];

/** The end mark of a replay. */
export const replayEnd: readonly Uint8Array[] = [
  Buffer.alloc(0),
  Buffer.alloc(0),
  Buffer.alloc(8, 0xff),
  Buffer.alloc(0),
];
