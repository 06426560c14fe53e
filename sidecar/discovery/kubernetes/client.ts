import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { SidecarError } from '../../core/index.ts';
import type { ApiQuery, KubernetesApi, ListPage, WatchEvent } from './api.ts';

const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

const failure = (message: string, options: { readonly status?: number; readonly cause?: unknown }): SidecarError =>
  new SidecarError('unavailable', message, {
    details: options.status === undefined ? {} : { status: options.status },
    cause: options.cause,
  });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const readAll = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw failure('the API server sent too long an answer', {});
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parseAnswer = (text: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) throw failure('the API server sent something other than an object', {});
  return value;
};

const watchTypes: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);
const isWatchEvent = (value: unknown): value is WatchEvent => isRecord(value) && watchTypes.has(value['type']);

/**
 * Talks to the API server that the environment names: in-cluster credentials, KUBECONFIG or the default file. Loads
 * `@kubernetes/client-node` (a second of CPU, 126 MB) only when called. Lists and watches are our own requests with the
 * library's credentials, since its informer ends at any error and asks for no bookmarks.
 */
export const createKubernetesApi = async (): Promise<KubernetesApi> => {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    throw new SidecarError('unavailable', 'no Kubernetes credentials: not in a cluster, and no KUBECONFIG');
  }
  const server = new URL(cluster.server);
  const send = server.protocol === 'http:' ? httpRequest : httpsRequest;

  const open = async (
    target: { readonly method: string; readonly path: string; readonly query: ApiQuery; readonly body?: string },
    signal: AbortSignal,
  ): Promise<IncomingMessage> => {
    const url = new URL(server.pathname.replace(/\/$/, '') + target.path, server);
    for (const [name, value] of Object.entries(target.query)) url.searchParams.set(name, value);
    const options: RequestOptions = {
      method: target.method,
      headers: {
        accept: 'application/json',
        'user-agent': 'warmroute',
        ...(target.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal,
    };
    await kubeConfig.applyToHTTPSOptions(options);
    return new Promise((resolve, reject) => {
      const request = send(url, options, (response) => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) return resolve(response);
        readAll(response).then(
          (text) => {
            let message = `status ${status}`;
            try {
              const { message: said } = parseAnswer(text);
              if (typeof said === 'string') message = said;
            } catch {
              // The status alone has to do.
            }
            reject(failure(message, { status }));
          },
          (cause: unknown) => reject(failure(`status ${status}`, { status, cause })),
        );
      });
      request.on('error', (cause) => reject(failure(cause.message, { cause })));
      request.setNoDelay(true);
      request.end(target.body);
    });
  };

  return {
    ownNamespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? null,
    list: async (path, query, signal): Promise<ListPage> => {
      const answer = parseAnswer(await readAll(await open({ method: 'GET', path, query }, signal)));
      const metadata = isRecord(answer['metadata']) ? answer['metadata'] : {};
      const { resourceVersion, continue: next } = metadata;
      return {
        items: Array.isArray(answer['items']) ? answer['items'] : [],
        resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
        continueToken: typeof next === 'string' && next !== '' ? next : null,
      };
    },
    watch: async (path, query, { signal, onEvent }) => {
      const response = await open({ method: 'GET', path, query: { ...query, watch: 'true' } }, signal);
      response.socket.setKeepAlive(true, 5000);
      let pending = '';
      response.setEncoding('utf8');
      try {
        for await (const chunk of response) {
          pending += String(chunk);
          let end = pending.indexOf('\n');
          while (end >= 0) {
            const event: unknown = JSON.parse(pending.slice(0, end));
            pending = pending.slice(end + 1);
            if (isWatchEvent(event)) onEvent(event);
            end = pending.indexOf('\n');
          }
        }
      } catch (cause) {
        throw SidecarError.from(cause, 'unavailable');
      }
    },
    create: async (path, body, signal) => {
      const response = await open({ method: 'POST', path, query: {}, body: JSON.stringify(body) }, signal);
      response.resume();
    },
    ping: async (signal) => {
      const response = await open({ method: 'GET', path: '/version', query: {} }, signal);
      response.resume();
    },
  };
};
