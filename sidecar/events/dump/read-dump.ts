import type { z } from 'zod';
import { SidecarError } from '../../core/index.ts';
import type { StreamPosition } from '../stream/stream-position.ts';
import { type DumpRecord, readRecords, recordKind } from './dump-records.ts';
import { endpointShape, headShape, keyProbe, positionShape } from './dump-shapes.ts';

/** What a dump says of itself. */
export type DumpHead = z.output<typeof headShape>;

/** One endpoint's part of a dump. */
export interface DumpedEndpoint extends z.output<typeof endpointShape> {
  readonly position: StreamPosition;
  /** What the index wrote. */
  readonly content: Uint8Array;
}

/** A dump of which the head is read. */
export interface OpenDump {
  readonly head: DumpHead;
  /** Its endpoints, one in memory at a time; throws as `openDump` does. To be read once. */
  readonly endpoints: AsyncGenerator<DumpedEndpoint, void, void>;
}

const minRoomBytes = 64 * 1024;
/** Longest part of one endpoint that is taken on: about 30 million blocks. */
const maxEndpointBytes = 1024 * 1024 * 1024;

const refuse = (what: string): never => {
  throw new SidecarError('invalid-argument', `not a usable dump: ${what}`);
};

const parseJson = <Schema extends z.ZodType>(schema: Schema, content: Uint8Array): z.output<Schema> => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content).toString());
  } catch {
    return refuse('a record is no JSON');
  }
  const parsed = schema.safeParse(value);
  return parsed.success
    ? parsed.data
    : refuse(`a record has a wrong ${parsed.error.issues[0]?.path.join('.') ?? 'form'}`);
};

/** Joins pieces, in room for as much as is expected: bytes of a large endpoint are not moved again. */
class GrowingBytes {
  #bytes: Uint8Array;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(Math.min(expectedBytes, maxEndpointBytes) + minRoomBytes);
  }

  push(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > maxEndpointBytes) refuse('an endpoint is too long');
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

async function* readEndpoints(records: AsyncIterable<DumpRecord>): AsyncGenerator<DumpedEndpoint, void, void> {
  let current: { readonly of: z.output<typeof endpointShape>; readonly bytes: GrowingBytes } | null = null;
  for await (const { kind, content } of records) {
    if (kind === recordKind.endpoint) {
      if (current !== null) refuse('an endpoint has no end');
      const of = parseJson(endpointShape, content);
      current = { of, bytes: new GrowingBytes(of.expectedBytes) };
      continue;
    }
    if (current === null) return refuse('a record is out of place');
    if (kind === recordKind.piece) {
      current.bytes.push(content);
    } else if (kind === recordKind.position) {
      yield { ...current.of, position: parseJson(positionShape, content), content: current.bytes.take() };
      current = null;
    } else if (kind === recordKind.abandoned) {
      current = null;
    } else {
      refuse('a record is of an unknown kind');
    }
  }
  if (current !== null) refuse('an endpoint has no end');
}

/** Reads a dump to its end and keeps nothing of it. Throws as `openDump` does. */
export const checkDump = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
  for await (const _ of readRecords(chunks));
};

/**
 * Reads a dump's head. Throws `invalid-argument` for anything but a dump of this version whose keys are computed as here,
 * and passes on what `chunks` throws.
 */
export const openDump = async (chunks: AsyncIterable<Uint8Array>): Promise<OpenDump> => {
  const records = readRecords(chunks);
  const first = await records.next();
  if (first.done === true || first.value.kind !== recordKind.head) return refuse('it has no head');
  const head = parseJson(headShape, first.value.content);
  if (head.keyProbe !== keyProbe(head.keySeed)) refuse('its block keys are computed in another way');
  return { head, endpoints: readEndpoints(records) };
};
