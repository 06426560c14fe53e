import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { ApiServer } from './api-server.ts';

/**
 * A plain HTTP server before a real API server that passes everything on, and can do to connections what networks do.
 * In answers, addresses 198.18.0.N become 127.0.0.N: slices may not hold loopback addresses, which engines of a test have.
 */
export interface ApiProxy extends AsyncDisposable {
  readonly url: string;
  /** Watches asked for so far: collection path and version. */
  readonly watches: readonly { readonly path: string; readonly version: string | null }[];
  /** Lists asked for so far, by collection path. */
  readonly lists: readonly string[];
  /** Ends every open watch in good order, as a server does when its time is up. */
  endWatches(): void;
  /** New requests wait until `open` is called again. */
  hold(): void;
  open(): void;
}

const mapped = (text: string): string => text.replaceAll('198.18.0.', '127.0.0.');

/** Starts a proxy before `server`. Requests without a token get `token`: Go's client sends none over plain HTTP. */
export const startApiProxy = async (
  server: ApiServer,
  options: { readonly token?: string } = {},
): Promise<ApiProxy> => {
  const agent = new Agent({ ca: await readFile(server.caFile, 'utf8') });
  const watches: { path: string; version: string | null }[] = [];
  const lists: string[] = [];
  const openWatches = new Set<ServerResponse>();
  let gate = Promise.resolve();
  let openGate = (): void => {};

  const passBack = (answer: IncomingMessage, response: ServerResponse, isWatch: boolean): void => {
    response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
    response.flushHeaders();
    answer.setEncoding('utf8');
    let pending = '';
    answer.on('data', (chunk: string) => {
      // Only whole lines of a watch, and lists as a whole, so that no address is cut in two.
      pending += chunk;
      const end = isWatch ? pending.lastIndexOf('\n') + 1 : 0;
      if (end > 0 && !response.writableEnded) response.write(mapped(pending.slice(0, end)));
      pending = pending.slice(end);
    });
    answer.on('end', () => {
      if (!response.writableEnded) response.end(mapped(pending));
    });
    answer.on('error', () => response.destroy());
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    await gate;
    const url = new URL(request.url ?? '/', server.url);
    const isWatch = url.searchParams.get('watch') === 'true';
    if (isWatch) {
      watches.push({ path: url.pathname, version: url.searchParams.get('resourceVersion') });
      openWatches.add(response);
      response.on('close', () => openWatches.delete(response));
    } else if (url.searchParams.has('limit') && !url.searchParams.has('continue')) {
      lists.push(url.pathname);
    }
    const { host: _host, connection: _connection, 'accept-encoding': _encoding, ...others } = request.headers;
    // Text, whatever else the client would take, so that addresses can be found in it.
    const own = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
    const headers = { ...own, ...others, accept: 'application/json' };
    const outgoing = httpsRequest(url, { method: request.method ?? 'GET', headers, agent }, (answer) =>
      passBack(answer, response, isWatch),
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    request.pipe(outgoing);
  };

  const listener = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const bound = listener.address();
  return {
    url: `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`,
    watches,
    lists,
    endWatches: () => {
      for (const response of openWatches) response.end();
    },
    hold: () => {
      const next = Promise.withResolvers<void>();
      gate = next.promise;
      openGate = next.resolve;
    },
    open: () => openGate(),
    [Symbol.asyncDispose]: async () => {
      openGate();
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
};
