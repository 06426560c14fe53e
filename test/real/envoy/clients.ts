import { once } from 'node:events';
import { request as requestHttp1 } from 'node:http';
import { connect } from 'node:http2';

/** How a body goes out. */
export type Sending = 'http1-length' | 'http1-chunked' | 'http1-trailers' | 'http2';

/** Every way a body goes out. */
export const sendings: readonly Sending[] = ['http1-length', 'http1-chunked', 'http1-trailers', 'http2'];

/** An answer read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** What is sent. */
export interface Outgoing {
  /** `host:port`. */
  readonly address: string;
  readonly sending: Sending;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly method?: string;
}

const collect = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const overHttp1 = async (outgoing: Outgoing): Promise<Answer> => {
  const { address, sending, body, path = '/v1/completions', method = 'POST' } = outgoing;
  const [host = '', port = ''] = address.split(':');
  const hasLength = sending === 'http1-length';
  const headers = {
    'content-type': 'application/json',
    ...outgoing.headers,
    ...(hasLength ? { 'content-length': String(body.length) } : { 'transfer-encoding': 'chunked' }),
    ...(sending === 'http1-trailers' ? { trailer: 'x-checksum' } : {}),
  };
  const request = requestHttp1({ host, port, method, path, headers, agent: false });
  if (sending === 'http1-trailers') request.addTrailers({ 'x-checksum': 'abc' });
  // An answer may come before the body is sent.
  request.on('error', () => {});
  const answered = once(request, 'response');
  if (hasLength) request.end(body);
  else {
    for (let from = 0; from < body.length; from += 50_000) request.write(body.subarray(from, from + 50_000));
    request.end();
  }
  const [response] = await answered;
  return { status: response.statusCode, headers: response.headers, body: await collect(response) };
};

const overHttp2 = async (outgoing: Outgoing): Promise<Answer> => {
  const { address, body, path = '/v1/completions', method = 'POST' } = outgoing;
  const session = connect(`http://${address}`);
  try {
    const stream = session.request({ ':method': method, ':path': path, ...outgoing.headers });
    const answered = once(stream, 'response');
    stream.end(body);
    const [headers] = await answered;
    return { status: headers[':status'], headers, body: await collect(stream) };
  } finally {
    session.destroy();
  }
};

/** Sends one request on a connection of its own. */
export const send = (outgoing: Outgoing): Promise<Answer> =>
  outgoing.sending === 'http2' ? overHttp2(outgoing) : overHttp1(outgoing);
