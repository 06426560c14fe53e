import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** One request that a fake hub or its file store saw. */
interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
}

/** A model hub on a loopback port that serves `/ID/resolve/REVISION/FILE`. */
export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** What the second server, to which big files are redirected, saw. */
  readonly seenByStore: readonly SeenRequest[];
}

/** What a fake hub holds and how it answers. */
export interface FakeHubOptions {
  /** Files by model id, then name. */
  readonly models: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Commit that `main` is at; null: the hub does not say. */
  readonly commit: string | null;
  /** Token that may read; null: nobody is asked for one. */
  readonly token?: string | null;
  /** Answers every request with this status. */
  readonly status?: number;
  /** Promises more bytes than it sends. */
  readonly sendsShort?: boolean;
  /** Never answers a GET. */
  readonly isSilent?: boolean;
}

const listen = async (onRequest: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    url: `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const seenOf = ({ method, url, headers }: IncomingMessage): SeenRequest => ({
  method: method ?? '',
  path: url ?? '',
  authorization: headers.authorization ?? null,
});

/** Starts a hub; `tokenizer.json` lies on a second server, as big files do on the real one. */
export const startFakeHub = async (options: FakeHubOptions): Promise<FakeHub> => {
  const { models, commit, token = null } = options;
  const seen: SeenRequest[] = [];
  const seenByStore: SeenRequest[] = [];
  const store = await listen((request, response) => {
    seenByStore.push(seenOf(request));
    const [, id = ''] = /^\/store\/(.+)$/.exec(request.url ?? '') ?? [];
    const text = models[decodeURIComponent(id)]?.['tokenizer.json'] ?? '';
    const length = Buffer.byteLength(text) + (options.sendsShort === true ? 10 : 0);
    response.writeHead(200, { 'content-length': length });
    response.write(text, () => {
      if (options.sendsShort === true) response.destroy();
      else response.end();
    });
  });
  const hub = await listen((request, response) => {
    seen.push(seenOf(request));
    if (options.isSilent === true && request.method === 'GET') return;
    const fail = (status: number): void => void response.writeHead(status).end('{"error":"no"}');
    if (options.status !== undefined) return fail(options.status);
    if (token !== null && request.headers.authorization !== `Bearer ${token}`) return fail(401);
    const match = /^\/(?<id>.+)\/resolve\/(?<revision>[^/]+)\/(?<name>[^/]+)$/.exec(request.url ?? '')?.groups;
    const { id = '', revision = '', name = '' } = match ?? {};
    const text = models[id]?.[name];
    if (text === undefined || ![commit, 'main'].includes(revision)) return fail(404);
    const headers = commit === null ? {} : { 'x-repo-commit': commit };
    if (name === 'tokenizer.json') {
      response.writeHead(302, { ...headers, location: `${store.url}/store/${encodeURIComponent(id)}` }).end();
    } else {
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : text);
    }
  });
  return {
    url: hub.url,
    seen,
    seenByStore,
    [Symbol.asyncDispose]: async () => {
      await hub.close();
      await store.close();
    },
  };
};
