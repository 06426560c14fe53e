import { HeaderList } from '../exchange/header-list.ts';
import type { BodyMode, MessageContext, ProcessorMessage, ProtocolConfig } from '../exchange/messages.ts';
import { FieldReader } from './field-reader.ts';
import { readServed, readSubset } from './metadata.ts';

/** A message with what came beside it. */
export interface DecodedMessage {
  readonly message: ProcessorMessage;
  readonly context: MessageContext;
}

// Fields of ProcessingRequest in sidecar/proto/ext_proc.proto.
const requestHeaders = 2;
const responseHeaders = 3;
const requestBody = 4;
const responseBody = 5;
const requestTrailers = 6;
const responseTrailers = 7;
const metadataContext = 8;
const protocolConfig = 11;

const bodyModes: readonly BodyMode[] = ['none', 'streamed', 'buffered', 'buffered-partial', 'full-duplex', 'grpc'];

const bodyModeOf = (value: number): BodyMode => bodyModes[value] ?? 'full-duplex';

const noBytes: Buffer = Buffer.alloc(0);

/** Adds the header that `header` reads: four numbers, as {@link HeaderList} has them. */
const decodeHeader = (header: FieldReader, spans: number[]): void => {
  let nameStart = 0;
  let nameEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  while (header.next()) {
    if (header.field === 1) {
      header.span();
      nameStart = header.spanStart;
      nameEnd = header.spanEnd;
      // Envoy fills `raw_value` (3), NGINX Gateway Fabric's shim `value` (2).
    } else if (header.field === 2 || header.field === 3) {
      header.span();
      if (header.spanEnd === header.spanStart) continue;
      valueStart = header.spanStart;
      valueEnd = header.spanEnd;
    }
  }
  spans.push(nameStart, nameEnd, valueStart, valueEnd);
};

const decodeHeaders = (
  encoded: Buffer,
  fields: FieldReader,
): { readonly headers: HeaderList; readonly isEnd: boolean } => {
  const spans: number[] = [];
  const inner = new FieldReader(encoded, 0, 0);
  let isEnd = false;
  while (fields.next()) {
    if (fields.field === 1) {
      fields.span();
      const map = new FieldReader(encoded, fields.spanStart, fields.spanEnd);
      while (map.next()) {
        if (map.field !== 1) continue;
        map.span();
        inner.enter(map.spanStart, map.spanEnd);
        decodeHeader(inner, spans);
      }
    } else if (fields.field === 3) isEnd = fields.varint() !== 0;
  }
  return { headers: new HeaderList(encoded, spans), isEnd };
};

const decodeBody = (kind: 'request-body' | 'response-body', fields: FieldReader): ProcessorMessage => {
  let bytes = noBytes;
  let isEnd = false;
  while (fields.next()) {
    if (fields.field === 1) bytes = fields.bytes();
    else if (fields.field === 2) isEnd = fields.varint() !== 0;
  }
  return { kind, bytes, isEnd };
};

const decodeProtocol = (fields: FieldReader): ProtocolConfig => {
  let requestBodyMode: BodyMode = 'none';
  let responseBodyMode: BodyMode = 'none';
  let sendsBodyAhead = false;
  while (fields.next()) {
    if (fields.field === 1) requestBodyMode = bodyModeOf(fields.varint());
    else if (fields.field === 2) responseBodyMode = bodyModeOf(fields.varint());
    else if (fields.field === 3) sendsBodyAhead = fields.varint() !== 0;
  }
  return { requestBodyMode, responseBodyMode, sendsBodyAhead };
};

const decodePart = (field: number, encoded: Buffer, fields: FieldReader): ProcessorMessage => {
  switch (field) {
    case requestHeaders:
      return { kind: 'request-headers', ...decodeHeaders(encoded, fields) };
    case responseHeaders:
      return { kind: 'response-headers', ...decodeHeaders(encoded, fields) };
    case requestBody:
      return decodeBody('request-body', fields);
    case responseBody:
      return decodeBody('response-body', fields);
    case requestTrailers:
      return { kind: 'request-trailers' };
    default:
      return { kind: 'response-trailers' };
  }
};

/** Reads the metadata only when asked, for it comes with every message. */
class LazyContext implements MessageContext {
  readonly protocol: ProtocolConfig | null;
  readonly #encoded: Buffer;
  readonly #start: number;
  readonly #end: number;

  /** The metadata is `encoded[start, end)`. */
  constructor(protocol: ProtocolConfig | null, encoded: Buffer, start: number, end: number) {
    this.protocol = protocol;
    this.#encoded = encoded;
    this.#start = start;
    this.#end = end;
  }

  subset(): readonly string[] | null {
    return readSubset(this.#encoded.subarray(this.#start, this.#end));
  }

  served(): string | null {
    return readServed(this.#encoded.subarray(this.#start, this.#end));
  }
}

const emptyContext: MessageContext = { protocol: null, subset: () => null, served: () => null };

/**
 * Decodes an envoy.service.ext_proc.v3.ProcessingRequest. By hand, not by a schema: bodies stay views of the received
 * bytes, headers and metadata are read only when asked for. Throws `invalid-argument` and nothing else for bytes that are no
 * message.
 */
export const decodeMessage = (encoded: Buffer): DecodedMessage => {
  let message: ProcessorMessage = { kind: 'other' };
  let metadataStart = 0;
  let metadataEnd = 0;
  let protocol: ProtocolConfig | null = null;
  const fields = new FieldReader(encoded);
  const inner = new FieldReader(encoded, 0, 0);
  while (fields.next()) {
    const { field } = fields;
    if (field !== metadataContext && field !== protocolConfig && (field < requestHeaders || field > responseTrailers)) {
      continue;
    }
    fields.span();
    if (field === metadataContext) {
      metadataStart = fields.spanStart;
      metadataEnd = fields.spanEnd;
      continue;
    }
    inner.enter(fields.spanStart, fields.spanEnd);
    if (field === protocolConfig) protocol = decodeProtocol(inner);
    else message = decodePart(field, encoded, inner);
  }
  const isEmpty = protocol === null && metadataStart === metadataEnd;
  const context = isEmpty ? emptyContext : new LazyContext(protocol, encoded, metadataStart, metadataEnd);
  return { message, context };
};
