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

const empty: Buffer = Buffer.alloc(0);

const decodeHeader = (encoded: Buffer, names: string[], values: Buffer[]): void => {
  const fields = new FieldReader(encoded);
  let name = '';
  let value = empty;
  while (fields.next()) {
    if (fields.field === 1) name = fields.bytes().toString('latin1');
    // Envoy fills `raw_value` (3), NGINX Gateway Fabric's shim `value` (2).
    else if (fields.field === 2 || fields.field === 3) {
      const bytes = fields.bytes();
      if (bytes.length > 0) value = bytes;
    }
  }
  names.push(name);
  values.push(value);
};

const decodeHeaders = (encoded: Buffer): { readonly headers: HeaderList; readonly isEnd: boolean } => {
  const names: string[] = [];
  const values: Buffer[] = [];
  let isEnd = false;
  const fields = new FieldReader(encoded);
  while (fields.next()) {
    if (fields.field === 1) {
      const map = new FieldReader(fields.bytes());
      while (map.next()) if (map.field === 1) decodeHeader(map.bytes(), names, values);
    } else if (fields.field === 3) isEnd = fields.varint() !== 0;
  }
  return { headers: new HeaderList(names, values), isEnd };
};

const decodeBody = (encoded: Buffer): { readonly bytes: Buffer; readonly isEnd: boolean } => {
  let bytes = empty;
  let isEnd = false;
  const fields = new FieldReader(encoded);
  while (fields.next()) {
    if (fields.field === 1) bytes = fields.bytes();
    else if (fields.field === 2) isEnd = fields.varint() !== 0;
  }
  return { bytes, isEnd };
};

const decodeProtocol = (encoded: Buffer): ProtocolConfig => {
  let requestBodyMode: BodyMode = 'none';
  let responseBodyMode: BodyMode = 'none';
  let sendsBodyAhead = false;
  const fields = new FieldReader(encoded);
  while (fields.next()) {
    if (fields.field === 1) requestBodyMode = bodyModeOf(fields.varint());
    else if (fields.field === 2) responseBodyMode = bodyModeOf(fields.varint());
    else if (fields.field === 3) sendsBodyAhead = fields.varint() !== 0;
  }
  return { requestBodyMode, responseBodyMode, sendsBodyAhead };
};

const decodePart = (field: number, encoded: Buffer): ProcessorMessage => {
  switch (field) {
    case requestHeaders:
      return { kind: 'request-headers', ...decodeHeaders(encoded) };
    case responseHeaders:
      return { kind: 'response-headers', ...decodeHeaders(encoded) };
    case requestBody:
      return { kind: 'request-body', ...decodeBody(encoded) };
    case responseBody:
      return { kind: 'response-body', ...decodeBody(encoded) };
    case requestTrailers:
      return { kind: 'request-trailers' };
    default:
      return { kind: 'response-trailers' };
  }
};

/**
 * Decodes an envoy.service.ext_proc.v3.ProcessingRequest. By hand, not by a schema: bodies stay views of the received
 * bytes, and metadata, which comes with every message, is read only when asked for. Throws `invalid-argument` and nothing
 * else for bytes that are no message.
 */
export const decodeMessage = (encoded: Buffer): DecodedMessage => {
  let message: ProcessorMessage = { kind: 'other' };
  let metadata: Buffer | null = null;
  let protocol: ProtocolConfig | null = null;
  const fields = new FieldReader(encoded);
  while (fields.next()) {
    const { field } = fields;
    if (field >= requestHeaders && field <= responseTrailers) message = decodePart(field, fields.bytes());
    else if (field === metadataContext) metadata = fields.bytes();
    else if (field === protocolConfig) protocol = decodeProtocol(fields.bytes());
  }
  const context: MessageContext = {
    protocol,
    subset: () => readSubset(metadata),
    served: () => readServed(metadata),
  };
  return { message, context };
};
