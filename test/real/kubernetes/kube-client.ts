import { Agent, request } from 'node:https';

/** Any object as it is sent to an API server. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

/** Status and parsed body of an answer. */
export interface KubeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Talks to a real API server as one user. What is refused rejects with the server's own words. */
export interface KubeClient {
  /** Sends anything; never rejects for a status. */
  request(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly contentType?: string },
  ): Promise<KubeAnswer>;
  /** Server-side apply. `status: true` applies the status as well, as a controller or kubelet would. */
  apply(object: KubeObject, options?: { readonly status?: boolean }): Promise<KubeObject>;
  /** Deletes; what is gone already is fine. A Pod with a grace period stays, marked, until a kubelet confirms. */
  remove(object: KubeObject, options?: { readonly graceSeconds?: number }): Promise<void>;
  /** Applies under `dryRun=All`; gives what the server would say to it. */
  dryRun(object: KubeObject): Promise<KubeAnswer>;
}

const plurals: Readonly<Record<string, string>> = {
  Endpoints: 'endpoints',
  NetworkPolicy: 'networkpolicies',
  Ingress: 'ingresses',
  Gateway: 'gateways',
  Proxy: 'proxies',
  NginxProxy: 'nginxproxies',
};

const pluralOf = (kind: string): string => {
  const lower = kind.toLowerCase();
  if (plurals[kind] !== undefined) return plurals[kind];
  if (/(s|x|z|ch|sh)$/.test(lower)) return `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
};

/** Path of an object. */
export const pathOf = ({ apiVersion, kind, metadata }: KubeObject): string => {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${pluralOf(kind)}/${metadata.name}`;
};

const isKubeObject = (value: unknown): value is KubeObject =>
  typeof value === 'object' && value !== null && 'metadata' in value;

const expectObject = ({ status, body }: KubeAnswer, what: string): KubeObject => {
  if (status >= 300 || !isKubeObject(body)) throw new Error(`${what}: ${status} ${String(body['message'])}`);
  return body;
};

/** Creates a client. */
export const createKubeClient = (server: {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}): KubeClient => {
  const agent = new Agent({ ca: server.ca, keepAlive: false });
  const send: KubeClient['request'] = (method, path, { body, contentType = 'application/json' } = {}) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${server.token}`,
        ...(body === undefined ? {} : { 'content-type': contentType }),
      };
      const outgoing = request(server.url + path, { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = text.startsWith('{');
          resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : { message: text } });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const patch = (path: string, body: KubeObject, query = ''): Promise<KubeAnswer> =>
    send('PATCH', `${path}?fieldManager=test&force=true${query}`, {
      body,
      contentType: 'application/apply-patch+yaml',
    });
  return {
    request: send,
    apply: async (object, { status = false } = {}) => {
      const path = pathOf(object);
      const { status: statusPart, ...rest } = object;
      const stored = expectObject(await patch(path, rest.kind === 'Pod' ? rest : object), `apply ${path}`);
      if (!status) return stored;
      const { apiVersion, kind, metadata } = object;
      const withStatus = { apiVersion, kind, metadata, status: statusPart };
      return expectObject(await patch(`${path}/status`, withStatus), `apply ${path}/status`);
    },
    remove: async (object, { graceSeconds = 0 } = {}) => {
      const path = pathOf(object);
      const { status, body } = await send('DELETE', `${path}?gracePeriodSeconds=${graceSeconds}`);
      if (status >= 300 && status !== 404) throw new Error(`delete ${path}: ${status} ${String(body['message'])}`);
    },
    dryRun: (object) => patch(pathOf(object), object, '&dryRun=All&fieldValidation=Strict'),
  };
};
