import { destinationHeader } from '../../owned-headers.ts';
import type { HeaderChange, PickChange, ProcessorReply } from '../exchange/messages.ts';
import { ReverseWriter } from './reverse-writer.ts';

/** An encoded message in two parts, so that a body's bytes are sent as they are. */
export interface EncodedReply {
  /** Valid until the next reply is encoded. */
  readonly head: Buffer;
  /** Bytes that follow `head`, empty for all but body pieces. */
  readonly tail: Uint8Array;
}

// Fields of ProcessingResponse in sidecar/proto/ext_proc.proto.
const partFields = {
  'request-headers': 1,
  'response-headers': 2,
  'request-body': 3,
  'response-body': 4,
  'request-trailers': 5,
  'response-trailers': 6,
} as const;
const immediateResponse = 7;
const dynamicMetadata = 8;

const overwriteIfExistsOrAdd = 2;
const noBytes = new Uint8Array(0);

// One writer for all: encoding is synchronous and `take` leaves it empty.
const writer = new ReverseWriter();

const writeHeaderMutation = (field: number, { set, remove }: HeaderChange): void => {
  const mutation = writer.length;
  for (const name of remove) writer.text(2, name);
  for (const [name, value] of Object.entries(set)) {
    const option = writer.length;
    writer.varint(3, overwriteIfExistsOrAdd);
    const header = writer.length;
    writer.text(3, value);
    writer.text(1, name);
    writer.nest(1, header);
    writer.nest(1, option);
  }
  writer.nest(field, mutation);
};

/** `{"envoy.lb": {"x-gateway-destination-endpoint": destination}}` as a google.protobuf.Struct. */
const writeDestination = (destination: string): void => {
  const metadata = writer.length;
  const namespace = writer.length;
  const namespaceValue = writer.length;
  const struct = writer.length;
  const entry = writer.length;
  const value = writer.length;
  writer.text(3, destination);
  writer.nest(2, value);
  writer.text(1, destinationHeader);
  writer.nest(1, entry);
  writer.nest(5, struct);
  writer.nest(2, namespaceValue);
  writer.text(1, 'envoy.lb');
  writer.nest(1, namespace);
  writer.nest(dynamicMetadata, metadata);
};

const isPick = (change: HeaderChange | PickChange): change is PickChange => 'destination' in change;

/** Replies that change nothing, by part. */
const unchanged = new Map<string, Buffer>();

const encodeContinue = ({ part, change }: Extract<ProcessorReply, { kind: 'continue' }>): EncodedReply => {
  const known = change === null ? unchanged.get(part) : undefined;
  if (known !== undefined) return { head: known, tail: noBytes };
  const pick = change !== null && isPick(change) ? change : null;
  // The body's bytes come last, so that they are sent as they are.
  const body = pick?.body ?? noBytes;
  const tail = body.length;
  if (pick?.body !== undefined) {
    writer.nest(1, 0, tail);
    writer.nest(3, 0, tail);
  }
  // An empty CommonResponse is written too: some clients ask for it.
  if (pick !== null) writer.varint(5, 1);
  if (change !== null) writeHeaderMutation(2, change);
  writer.nest(1, 0, tail);
  writer.nest(partFields[part], 0, tail);
  if (pick !== null) writeDestination(pick.destination);
  const head = writer.take();
  if (change === null) unchanged.set(part, Buffer.from(head));
  return { head, tail: body };
};

const encodePiece = ({ part, bytes, isEnd }: Extract<ProcessorReply, { kind: 'piece' }>): EncodedReply => {
  // `end_of_stream` stands before `body`, so that the body's bytes come last.
  const tail = bytes.length;
  if (tail > 0) writer.nest(1, writer.length, tail);
  if (isEnd) writer.varint(2, 1);
  writer.nest(3, 0, tail);
  writer.nest(3, 0, tail);
  writer.nest(1, 0, tail);
  writer.nest(partFields[part], 0, tail);
  return { head: writer.take(), tail: bytes };
};

const encodeImmediate = (reply: Extract<ProcessorReply, { kind: 'immediate' }>): Buffer => {
  writer.text(5, reply.details);
  writer.text(3, reply.body);
  writeHeaderMutation(2, { set: reply.headers, remove: [] });
  const status = writer.length;
  writer.varint(1, reply.httpStatus);
  writer.nest(1, status);
  writer.nest(immediateResponse, 0);
  return writer.take();
};

/** Encodes an envoy.service.ext_proc.v3.ProcessingResponse. */
export const encodeReply = (reply: ProcessorReply): EncodedReply => {
  switch (reply.kind) {
    case 'continue':
      return encodeContinue(reply);
    case 'piece':
      return encodePiece(reply);
    case 'trailers':
      if (reply.destination !== null) writeDestination(reply.destination);
      writer.nest(partFields[reply.part], writer.length);
      return { head: writer.take(), tail: noBytes };
    case 'immediate':
      return { head: encodeImmediate(reply), tail: noBytes };
  }
};
