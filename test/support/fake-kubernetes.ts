import { SidecarError } from '../../sidecar/core/index.ts';
import type { KubernetesApi, WatchEvent } from '../../sidecar/discovery/index.ts';

/** An object as an API server holds it. */
export interface StoredObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

interface Watcher {
  readonly collection: string;
  readonly onEvent: (event: WatchEvent) => void;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
}

const httpError = (status: number, message: string): SidecarError =>
  new SidecarError('unavailable', message, { details: { status } });

/**
 * An API server in memory behind discovery's port, for what a real one cannot be made to do: list pages, watches with
 * versions, bookmarks, 410, refusals, broken and silent connections.
 */
export class FakeKubernetes implements KubernetesApi {
  readonly ownNamespace = 'default';
  /** Objects created through the port, by collection path. */
  readonly created: { readonly path: string; readonly body: unknown }[] = [];
  /** Lists asked for so far (first pages), by collection path. */
  readonly listsOf = new Map<string, number>();
  #objects = new Map<string, Map<string, StoredObject>>();
  #version = 1;
  #oldest = 0;
  #watchers = new Set<Watcher>();
  #history: { readonly collection: string; readonly version: number; readonly event: WatchEvent }[] = [];
  #refusals = new Map<string, number>();
  #isAway = false;
  #isSilent = false;

  /** Creates or replaces an object of a collection such as `/api/v1/services`, and tells watchers. */
  put(collection: string, object: StoredObject): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.#collection(collection);
    const type = known.has(key) ? 'MODIFIED' : 'ADDED';
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    known.set(key, stored);
    this.#tell(collection, { type, object: stored });
  }

  delete(collection: string, key: string): void {
    const known = this.#collection(collection);
    const object = known.get(key);
    if (object === undefined) throw new Error(`no ${key} in ${collection}`);
    known.delete(key);
    this.#version += 1;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#tell(collection, { type: 'DELETED', object: last });
  }

  /** Sends a bookmark with the newest version to every watcher. */
  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } };
    for (const watcher of this.#watchers) watcher.onEvent({ type: 'BOOKMARK', object });
  }

  /** Forgets history, so that watches from older versions get 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  /** Ends every watch: in good order, or as a broken connection. */
  endWatches(how: 'cleanly' | 'broken'): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      if (how === 'cleanly') watcher.end();
      else watcher.fail(httpErrorless());
    }
  }

  /** Answers every request for a collection with a status, 0 to stop. */
  refuse(collection: string, status: number): void {
    if (status === 0) this.#refusals.delete(collection);
    else this.#refusals.set(collection, status);
  }

  /** No connection gets through, open watches break. */
  goAway(): void {
    this.#isAway = true;
    this.endWatches('broken');
  }

  comeBack(): void {
    this.#isAway = false;
    this.#isSilent = false;
  }

  /** Connections stay open but nothing comes any more, pings included. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  async list(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#check(path, signal);
    const all = [...this.#collection(path).values()];
    const from = Number(query['continue'] ?? 0);
    if (from === 0) this.listsOf.set(path, (this.listsOf.get(path) ?? 0) + 1);
    const limit = Number(query['limit'] ?? all.length);
    const isLast = from + limit >= all.length;
    return {
      items: all.slice(from, from + limit),
      resourceVersion: String(this.#version),
      continueToken: isLast ? null : String(from + limit),
    };
  }

  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    options: { readonly signal: AbortSignal; readonly onEvent: (event: WatchEvent) => void },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      try {
        this.#check(path, options.signal);
      } catch (failure) {
        return reject(failure);
      }
      const from = Number(query['resourceVersion']);
      if (from < this.#oldest) {
        options.onEvent({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
        return resolve();
      }
      const watcher: Watcher = {
        collection: path,
        onEvent: (event) => {
          if (!this.#isSilent) options.onEvent(event);
        },
        end: resolve,
        fail: reject,
      };
      this.#watchers.add(watcher);
      options.signal.addEventListener('abort', () => {
        this.#watchers.delete(watcher);
        reject(options.signal.reason);
      });
      for (const { collection, version, event } of this.#history) {
        if (collection === path && version > from) watcher.onEvent(event);
      }
    });
  }

  async create(path: string, body: unknown, signal: AbortSignal): Promise<void> {
    this.#check(path, signal);
    this.created.push({ path, body });
  }

  ping(signal: AbortSignal): Promise<void> {
    if (this.#isSilent) {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    return this.#isAway ? Promise.reject(httpErrorless()) : Promise.resolve();
  }

  #check(path: string, signal: AbortSignal): void {
    if (signal.aborted) throw signal.reason;
    if (this.#isAway) throw httpErrorless();
    const status = this.#refusals.get(path);
    if (status !== undefined) throw httpError(status, `status ${status}`);
  }

  #collection(path: string): Map<string, StoredObject> {
    const known = this.#objects.get(path) ?? new Map<string, StoredObject>();
    this.#objects.set(path, known);
    return known;
  }

  #tell(collection: string, event: WatchEvent): void {
    this.#history.push({ collection, version: this.#version, event });
    for (const watcher of this.#watchers) if (watcher.collection === collection) watcher.onEvent(event);
  }
}

const httpErrorless = (): SidecarError => new SidecarError('unavailable', 'connection refused');

/** Collections of the cluster-wide paths that discovery follows. */
export const collections = {
  services: '/api/v1/services',
  pods: '/api/v1/pods',
  slices: '/apis/discovery.k8s.io/v1/endpointslices',
  inferencePools: '/apis/inference.networking.k8s.io/v1/inferencepools',
} as const;

/** A Service of namespace llm with the given annotations (without prefix) and ports. */
export const service = (
  name: string,
  options: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly name: string; readonly port: number }[];
  } = {},
): StoredObject => ({
  metadata: {
    name,
    namespace: 'llm',
    uid: `service-${name}`,
    annotations: Object.fromEntries(
      Object.entries(options.annotations ?? { pool: name }).map(([key, value]) => [`warmroute.dev/${key}`, value]),
    ),
  },
  spec: { selector: { app: name }, ports: options.ports ?? [{ name: 'http', port: 80 }] },
});

/** An EndpointSlice of a Service with ready endpoints unless a condition says otherwise. */
export const slice = (
  name: string,
  options: {
    readonly service: string;
    readonly addressType?: 'IPv4' | 'IPv6' | 'FQDN';
    readonly ports?: readonly { readonly name: string; readonly port: number }[];
    readonly endpoints: readonly {
      readonly ip: string;
      readonly pod?: string;
      readonly uid?: string;
      readonly ready?: boolean;
      readonly terminating?: boolean;
    }[];
  },
): StoredObject => ({
  metadata: { name, namespace: 'llm', uid: `slice-${name}`, labels: { 'kubernetes.io/service-name': options.service } },
  addressType: options.addressType ?? 'IPv4',
  ports: options.ports ?? [{ name: 'http', port: 8000 }],
  endpoints: options.endpoints.map(({ ip, pod, uid, ready, terminating }) => ({
    addresses: [ip],
    conditions: { ...(ready === undefined ? {} : { ready }), ...(terminating === undefined ? {} : { terminating }) },
    ...(pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod, uid: uid ?? `uid-${pod}` } }),
  })),
});

/** A ready Pod of namespace llm. */
export const pod = (
  name: string,
  options: {
    readonly ip: string;
    readonly app?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ready?: boolean;
    readonly restarts?: number;
    readonly uid?: string;
    readonly deletionTimestamp?: string;
  },
): StoredObject => ({
  metadata: {
    name,
    namespace: 'llm',
    uid: options.uid ?? `uid-${name}`,
    labels: { app: options.app ?? 'qwen' },
    annotations: Object.fromEntries(
      Object.entries(options.annotations ?? {}).map(([key, value]) => [`warmroute.dev/${key}`, value]),
    ),
    ...(options.deletionTimestamp === undefined ? {} : { deletionTimestamp: options.deletionTimestamp }),
  },
  status: {
    podIP: options.ip,
    conditions: [{ type: 'Ready', status: options.ready === false ? 'False' : 'True' }],
    containerStatuses: [{ restartCount: options.restarts ?? 0 }],
  },
});
