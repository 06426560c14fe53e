import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WatchEvent } from '../../sidecar/discovery/index.ts';
import { statusOf } from '../../sidecar/discovery/kubernetes/api.ts';
import type { FakeKubernetes } from './fake-kubernetes.ts';

/** A fake API server on a loopback port, and credentials for it. */
export interface FakeKubernetesServer extends AsyncDisposable {
  /** File to name in KUBECONFIG; its token is read from a file, as in a cluster. */
  readonly kubeconfig: string;
  /** Bearer tokens seen so far. */
  readonly tokens: readonly string[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** The only token the server takes from now on; `isFileRotated` says whether the client's file holds it too. */
  setToken(token: string, options: { readonly isFileRotated: boolean }): Promise<void>;
  /** Sends this text as the next watch's first bytes, cut after every `cutAt` bytes. */
  sendRaw(text: string, options: { readonly cutAt: number }): void;
  /** Cuts every connection in the middle of whatever it carries. */
  cutConnections(): void;
}

const line = (event: WatchEvent): string => `${JSON.stringify(event)}\n`;

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return JSON.parse(Buffer.concat(chunks).toString());
};

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const kubeconfigText = (url: string, tokenFile: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'me', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me', namespace: 'llm' } }],
    'current-context': 'fake',
  });

/** Puts a fake API server behind HTTP, with list, watch, create, /version and bearer tokens. */
export const serveFakeKubernetes = async (api: FakeKubernetes): Promise<FakeKubernetesServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'warmroute-kubernetes-'));
  const tokenFile = join(folder, 'token');
  const tokens: string[] = [];
  let accepted = 'first';
  let connections = 0;
  let raw: { readonly text: string; readonly cutAt: number } | null = null;
  await writeFile(tokenFile, accepted);

  const watch = async (path: string, query: Record<string, string>, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    await api.watch(path, query, {
      signal: gone.signal,
      onOpen: () => {
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        for (let at = 0; raw !== null && at < raw.text.length; at += raw.cutAt)
          response.write(raw.text.slice(at, at + raw.cutAt));
        raw = null;
      },
      onEvent: (event) => response.write(line(event)),
    });
    response.end();
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    tokens.push(token);
    if (token !== accepted) return answer(response, 401, { kind: 'Status', message: 'Unauthorized', code: 401 });
    const url = new URL(request.url ?? '/', 'http://fake');
    const query = Object.fromEntries(url.searchParams);
    if (request.method === 'POST') {
      await api.create(url.pathname, await readJson(request), AbortSignal.timeout(1000));
      return answer(response, 201, {});
    }
    if (url.pathname === '/version') {
      await api.ping(AbortSignal.timeout(1000));
      return answer(response, 200, { major: '1' });
    }
    if (query['watch'] === 'true') return watch(url.pathname, query, response);
    const page = await api.list(url.pathname, query, AbortSignal.timeout(10_000));
    const metadata = { resourceVersion: page.resourceVersion, continue: page.continueToken ?? '' };
    answer(response, 200, { kind: 'List', metadata, items: page.items });
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((failure: unknown) => {
      const status = statusOf(failure);
      if (status === null || response.headersSent) response.destroy();
      else answer(response, status, { kind: 'Status', message: `refused with ${status}`, code: status });
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  const port = typeof bound === 'object' ? bound?.port : 0;
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, kubeconfigText(`http://127.0.0.1:${port}`, tokenFile));

  return {
    kubeconfig,
    tokens,
    get connections() {
      return connections;
    },
    setToken: async (token, { isFileRotated }) => {
      accepted = token;
      if (isFileRotated) await writeFile(tokenFile, token);
    },
    sendRaw: (text, { cutAt }) => {
      raw = { text, cutAt };
    },
    cutConnections: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
};
