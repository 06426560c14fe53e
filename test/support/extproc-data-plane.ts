import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type ExtprocClient, requestBody, requestHeaders, type WireMessage } from './extproc-client.ts';

/** What a client got through the data plane. */
export interface Forwarded {
  /** `ip:port` that the external processor named. */
  readonly endpoint: string;
  readonly status: number;
  /** Headers that the external processor set on the answer. */
  readonly added: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const fieldAt = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce(
    (current, name) => (current === null || current === undefined ? undefined : Reflect.get(Object(current), name)),
    value,
  );

const headersSet = (answer: WireMessage | undefined, part: string): Readonly<Record<string, string>> => {
  const options = fieldAt(answer, part, 'response', 'header_mutation', 'set_headers');
  if (!Array.isArray(options)) return {};
  return Object.fromEntries(
    options.map((option: unknown) => [
      fieldAt(option, 'header', 'key'),
      String(fieldAt(option, 'header', 'raw_value')),
    ]),
  );
};

const pieceOf = (answer: WireMessage | undefined, part: string) => {
  const streamed = fieldAt(answer, part, 'response', 'body_mutation', 'streamed_response');
  const body = fieldAt(streamed, 'body');
  return {
    bytes: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    isEnd: fieldAt(streamed, 'end_of_stream') === true,
  };
};

/** Sends one POST as a data plane in full duplex does: asks where to, forwards what comes back, shows the answer. */
export const forwardAsDataPlane = async (
  client: ExtprocClient,
  request: { readonly path: string; readonly body: Buffer },
): Promise<Forwarded> => {
  const stream = client.open();
  const headers = { ':path': request.path, 'content-type': 'application/json' };
  stream.send(requestHeaders({ headers, responseBodyMode: 4 }), requestBody(request.body), requestBody('', true));
  const [picked] = await stream.take(1);
  const endpoint = headersSet(picked, 'request_headers')['x-gateway-destination-endpoint'] ?? '';
  const [host = '', port = ''] = endpoint.split(':');
  const outgoing = httpRequest({
    host,
    port,
    method: 'POST',
    path: request.path,
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  for (let isEnd = false; !isEnd; ) {
    const piece = pieceOf((await stream.take(1))[0], 'request_body');
    outgoing.write(piece.bytes);
    isEnd = piece.isEnd;
  }
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  const answered = [
    { key: ':status', raw_value: Buffer.from(String(response.statusCode)) },
    { key: 'content-type', raw_value: Buffer.from(String(response.headers['content-type'])) },
  ];
  stream.send({ response_headers: { headers: { headers: answered } } });
  const added = headersSet((await stream.take(1))[0], 'response_headers');
  const passed: Buffer[] = [];
  for await (const chunk of response) {
    stream.send({ response_body: { body: chunk } });
    passed.push(pieceOf((await stream.take(1))[0], 'response_body').bytes);
  }
  stream.send({ response_body: { end_of_stream: true } });
  await stream.take(1);
  await stream.status;
  return { endpoint, status: response.statusCode, added, body: Buffer.concat(passed) };
};
