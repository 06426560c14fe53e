import { type SequenceNumber, SidecarError, sequenceNumber } from '../core/index.ts';

/** A live message as a SUB socket gets it. */
export interface LiveFrame {
  readonly topic: string;
  readonly sequence: SequenceNumber;
  /** One msgpack batch, not looked at yet. */
  readonly payload: Uint8Array;
}

/** One reply to a replay request: a buffered batch, or the mark that no more follow. */
export type ReplayFrame =
  | { readonly kind: 'batch'; readonly sequence: SequenceNumber; readonly payload: Uint8Array }
  | { readonly kind: 'end' };

const malformed = (what: string): SidecarError => new SidecarError('malformed-frame', what);

const wordAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;

const decodeSequence = (bytes: Uint8Array): SequenceNumber => {
  if (bytes.length !== 8) throw malformed('a sequence number has 8 bytes');
  const value = wordAt(bytes, 0) * 4294967296 + wordAt(bytes, 4);
  if (!Number.isSafeInteger(value)) throw malformed('a sequence number is beyond 53 bits');
  return sequenceNumber(value);
};

/** The 8 bytes, big-endian, in which a sequence number travels. */
const encodeSequence = (sequence: SequenceNumber): Uint8Array => {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(sequence / 4294967296));
  view.setUint32(4, sequence >>> 0);
  return bytes;
};

/**
 * Takes a live message apart: topic, 8-byte big-endian sequence number, payload. Anything else is `malformed-frame`.
 * Source: vLLM, vllm/distributed/kv_events.py (ZmqEventPublisher).
 */
export const decodeLiveFrame = (frames: readonly Uint8Array[]): LiveFrame => {
  const [topic, sequence, payload] = frames;
  if (frames.length !== 3 || topic === undefined || sequence === undefined || payload === undefined) {
    throw malformed('a live message has three frames');
  }
  return { topic: new TextDecoder().decode(topic), sequence: decodeSequence(sequence), payload };
};

/**
 * Takes a replay reply apart. vLLM up to 0.25 sends `["", sequence, payload]`, later ones `["", topic, sequence, payload]`;
 * an absent first delimiter is tolerated. An empty payload is the end mark, whose sequence is all ones. Anything else is
 * `malformed-frame`. Source: as for live messages.
 */
export const decodeReplayFrame = (frames: readonly Uint8Array[]): ReplayFrame => {
  const payload = frames.at(-1);
  const sequence = frames.at(-2);
  if (frames.length > 4 || payload === undefined || sequence === undefined || sequence.length !== 8) {
    throw malformed('a replay reply has two to four frames');
  }
  if (payload.length === 0) return { kind: 'end' };
  return { kind: 'batch', sequence: decodeSequence(sequence), payload };
};

/** The request that makes an engine send its buffered batches from `from` on, as a DEALER sends it. */
export const encodeReplayRequest = (from: SequenceNumber): readonly Uint8Array[] => [
  new Uint8Array(0),
  encodeSequence(from),
];
