import { type ClientHttp2Session, connect } from 'node:http2';
import { FrameReader } from '../../../../sidecar/gateway/extproc/grpc/frame-reader.ts';
import { FieldReader } from '../../../../sidecar/gateway/extproc/wire/field-reader.ts';
import { ReverseWriter } from '../../../../sidecar/gateway/extproc/wire/reverse-writer.ts';

/** What one exchange took, milliseconds. */
export interface ExchangeTimes {
  /** From the body's last byte sent to the answer with the pick; 0 where that came before. */
  readonly decisionMs: number;
}

/**
 * A client that plays whole exchanges as Envoy does over HTTP/1.1: chunks, each when the one before is out, an empty end,
 * then a small response.
 */
export interface ExchangeClient {
  exchange(body: Buffer): Promise<ExchangeTimes>;
  close(): void;
}

const path = '/envoy.service.ext_proc.v3.ExternalProcessor/Process';
const chunkBytes = 32_768;
const windowBytes = 1_048_576;

const writer = new ReverseWriter();

const framed = (message: Buffer): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

const headersMessage = (field: number, headers: Readonly<Record<string, string>>, announces: boolean): Buffer => {
  if (announces) {
    const mark = writer.length;
    writer.varint(2, 4);
    writer.varint(1, 4);
    writer.nest(11, mark);
  }
  const part = writer.length;
  const map = writer.length;
  for (const [name, value] of Object.entries(headers)) {
    const header = writer.length;
    writer.text(3, value);
    writer.text(1, name);
    writer.nest(1, header);
  }
  writer.nest(1, map);
  writer.nest(field, part);
  return framed(writer.take());
};

const bodyMessage = (field: number, body: Uint8Array, isEnd: boolean): Buffer => {
  const part = writer.length;
  if (isEnd) writer.varint(2, 1);
  if (body.length > 0) writer.bytes(1, body);
  writer.nest(field, part);
  return framed(writer.take());
};

// What Envoy adds to a client's headers.
const requestHeaders = (bytes: number): Buffer =>
  headersMessage(
    2,
    {
      ':method': 'POST',
      ':path': '/v1/chat/completions',
      ':scheme': 'http',
      ':authority': 'models.example',
      'content-type': 'application/json',
      'content-length': String(bytes),
      'user-agent': 'OpenAI/Python 2.1.0',
      accept: 'application/json',
      authorization: 'Bearer sk-0123456789abcdef0123456789abcdef',
      'x-forwarded-for': '10.1.2.3',
      'x-forwarded-proto': 'http',
      'x-request-id': '7d5e0c1a-6d4b-4d0e-9b7b-1c2d3e4f5a6b',
    },
    true,
  );

const responseMessages = Buffer.concat([
  headersMessage(
    3,
    { ':status': '200', 'content-type': 'application/json', date: 'Tue, 01 Sep 2026 00:00:00 GMT' },
    false,
  ),
  bodyMessage(
    5,
    Buffer.from(
      `{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"${'word '.repeat(60)}"}}],"usage":{"prompt_tokens":300,"completion_tokens":60,"prompt_tokens_details":{"cached_tokens":256}}}`,
    ),
    false,
  ),
  bodyMessage(5, Buffer.alloc(0), true),
]);

/** Messages of bodies, made once: the client is not what is measured. */
const messagesByBody = new WeakMap<Buffer, readonly Buffer[]>();

const bodyMessages = (body: Buffer): readonly Buffer[] => {
  const made = messagesByBody.get(body);
  if (made !== undefined) return made;
  const messages: Buffer[] = [];
  for (let from = 0; from < body.length; from += chunkBytes) {
    messages.push(bodyMessage(4, body.subarray(from, from + chunkBytes), false));
  }
  messages.push(bodyMessage(4, Buffer.alloc(0), true));
  messagesByBody.set(body, messages);
  return messages;
};

/** Number of the part in an answer, and for a body piece whether it is the last. */
const readAnswer = (message: Buffer): { readonly part: number; readonly isEnd: boolean } => {
  const fields = new FieldReader(message);
  let part = 0;
  let isEnd = false;
  while (fields.next()) {
    if (fields.field > 7) continue;
    part = fields.field;
    if (part !== 3 && part !== 4) continue;
    let inner = fields.bytes();
    for (const field of [1, 3, 3]) {
      const walk = new FieldReader(inner);
      while (walk.next()) if (walk.field === field) inner = walk.bytes();
    }
    const streamed = new FieldReader(inner);
    while (streamed.next()) if (streamed.field === 2) isEnd = streamed.varint() === 1;
  }
  return { part, isEnd };
};

/** Connects to an external processor. */
export const createExchangeClient = (address: string): ExchangeClient => {
  const session: ClientHttp2Session = connect(`http://${address}`, {
    settings: { initialWindowSize: windowBytes },
    maxSessionMemory: 1_024,
  });
  // Each stream tells of it too.
  session.on('error', () => {});
  session.on('connect', () => session.setLocalWindowSize(16 * windowBytes));
  const exchange = (body: Buffer): Promise<ExchangeTimes> =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let sentMs = 0;
      let decidedMs = 0;
      let isOver = false;
      const reader = new FrameReader(67_108_864);
      const onMessage = (message: Buffer): void => {
        const { part, isEnd } = readAnswer(message);
        if (part === 1) decidedMs = performance.now();
        else if (part === 3 && isEnd) stream.write(responseMessages);
        else if (part === 4 && isEnd) isOver = true;
        else if (part === 7) reject(new Error('an immediate response'));
      };
      stream.on('data', (chunk: Buffer) => void reader.push(chunk, onMessage));
      stream.on('error', reject);
      stream.on('end', () => {
        stream.end();
        if (isOver) resolve({ decisionMs: Math.max(0, decidedMs - sentMs) });
        else reject(new Error('the stream ended early'));
      });
      const messages = bodyMessages(body);
      let next = 0;
      const sendNext = (): void => {
        const message = messages[next];
        next += 1;
        if (message === undefined) sentMs = performance.now();
        else stream.write(message, sendNext);
      };
      stream.write(requestHeaders(body.length));
      sendNext();
    });
  return { exchange, close: () => session.destroy() };
};
