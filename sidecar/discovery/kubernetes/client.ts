import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { SidecarError } from '../../core/index.ts';
import { type ApiQuery, type KubernetesApi, type ListPage, statusOf } from './api.ts';
import { jsonObject, readBody, readWatchLines } from './response.ts';

/** What the library makes up where it finds neither a file nor a cluster around it. */
const NO_SERVER = 'http://localhost:8080';

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: ApiQuery;
  readonly body?: string;
}

const failureOf = (message: string, options: { readonly status?: number; readonly cause?: unknown }): SidecarError =>
  new SidecarError('unavailable', message, {
    details: options.status === undefined ? {} : { status: options.status },
    cause: options.cause,
  });

/** What the server says about a refused request, in its own words where it has any. */
const refusalOf = async (response: IncomingMessage): Promise<SidecarError> => {
  const status = response.statusCode ?? 0;
  const said = await readBody(response)
    .then((text) => jsonObject(text)['message'])
    .catch(() => undefined);
  return failureOf(typeof said === 'string' && said !== '' ? said : `status ${status}`, { status });
};

/**
 * Talks to the API server that the environment names: KUBECONFIG, the default file, or in-cluster credentials. Loads
 * `@kubernetes/client-node` (a second of CPU, 126 MB) only when called. Lists and watches are our own requests with the
 * library's credentials, since its informer ends at any error and asks for no bookmarks. The library reads a rotated
 * token within a minute; after a 401 credentials are loaded anew at once. Rejects with `unavailable` where there are none.
 */
export const createKubernetesApi = async (): Promise<KubernetesApi> => {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const load = () => {
    try {
      const loaded = new KubeConfig();
      loaded.loadFromDefault();
      return loaded;
    } catch (cause) {
      throw SidecarError.from(cause, 'unavailable');
    }
  };
  let kubeConfig = load();
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null || cluster.server === NO_SERVER) {
    throw failureOf('no Kubernetes credentials: not in a cluster, and KUBECONFIG names no usable file', {});
  }
  const server = new URL(cluster.server);
  const send = server.protocol === 'http:' ? httpRequest : httpsRequest;

  const optionsFor = async ({ method, body }: Asked, signal: AbortSignal): Promise<RequestOptions> => {
    const options: RequestOptions = {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'warmroute',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal,
    };
    try {
      await kubeConfig.applyToHTTPSOptions(options);
    } catch (cause) {
      throw SidecarError.from(cause, 'unavailable');
    }
    return options;
  };

  /** Resolves with the answer of status 2xx; its body is still to be read. */
  const open = async (asked: Asked, signal: AbortSignal): Promise<IncomingMessage> => {
    const url = new URL(server.pathname.replace(/\/$/, '') + asked.path, server);
    for (const [name, value] of Object.entries(asked.query)) url.searchParams.set(name, value);
    const options = await optionsFor(asked, signal);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = send(url, options, resolve);
      request.on('error', (cause) => reject(failureOf(cause.message, { cause })));
      request.end(asked.body);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    if (status === 401) kubeConfig = load();
    throw await refusalOf(response);
  };

  return {
    ownNamespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? null,
    list: async (path, query, signal): Promise<ListPage> => {
      const answer = jsonObject(await readBody(await open({ method: 'GET', path, query }, signal)));
      const { resourceVersion, continue: next } = jsonObject(answer['metadata']);
      return {
        items: Array.isArray(answer['items']) ? answer['items'] : [],
        resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
        continueToken: typeof next === 'string' && next !== '' ? next : null,
      };
    },
    watch: async (path, query, { signal, onOpen, onEvent }) => {
      const response = await open({ method: 'GET', path, query: { ...query, watch: 'true' } }, signal);
      // A server that is gone without a word is noticed by TCP within 15 s.
      response.socket.setKeepAlive(true, 5000);
      onOpen();
      await readWatchLines(response, onEvent);
    },
    create: async (path, body, signal) => {
      try {
        const response = await open({ method: 'POST', path, query: {}, body: JSON.stringify(body) }, signal);
        response.resume();
      } catch (failure) {
        if (statusOf(failure) !== 409) throw failure;
      }
    },
    ping: async (signal) => {
      try {
        const response = await open({ method: 'GET', path: '/version', query: {} }, signal);
        response.resume();
      } catch (failure) {
        if (statusOf(failure) === null) throw failure;
      }
    },
  };
};
