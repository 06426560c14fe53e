import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request as an engine received it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** An HTTP server on a free loopback port that a test scripts. */
export interface ScriptedEngine extends AsyncDisposable {
  readonly address: string;
  /** Requests whose bodies have come whole. */
  readonly received: readonly ReceivedRequest[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Resolves with the next request whose body has come whole. */
  next(): Promise<{ readonly request: IncomingMessage; readonly response: ServerResponse }>;
}

/** Script of an engine that leaves each response open; the test answers through `next()`. */
export const answerLater = (): void => {};

/** Starts an engine; `answer` is called when a request's body has come whole. */
export const startScriptedEngine = async (
  answer: (response: ServerResponse, request: ReceivedRequest) => void,
): Promise<ScriptedEngine> => {
  const received: ReceivedRequest[] = [];
  const server = createServer();
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      const whole = { method, url, headers, rawHeaders, body: Buffer.concat(chunks) };
      received.push(whole);
      answer(response, whole);
      server.emit('whole-request', { request, response });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return {
    address: `127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`,
    received,
    get connections() {
      return connections;
    },
    next: async () => {
      const [exchange] = await once(server, 'whole-request');
      return exchange;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Answers with a JSON document and its length. */
export const json =
  (value: unknown, status = 200): ((response: ServerResponse) => void) =>
  (response) => {
    const body = Buffer.from(JSON.stringify(value));
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  };
