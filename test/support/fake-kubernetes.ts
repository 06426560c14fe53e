import { isDeepStrictEqual } from 'node:util';
import { SidecarError } from '../../sidecar/core/index.ts';
import type { KubernetesApi, WatchEvent, WatchHandlers } from '../../sidecar/discovery/index.ts';
import type { StoredObject } from './fake-kubernetes-objects.ts';

type Verb = 'list' | 'watch' | 'create';

interface Watcher {
  readonly collection: string;
  readonly onEvent: (event: WatchEvent) => void;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
  /** It asked for a version that is not reached yet: a real server tells it nothing, not even bookmarks. */
  readonly isFromTheFuture: boolean;
}

const httpError = (status: number): SidecarError =>
  new SidecarError('unavailable', `status ${status}`, { details: { status } });

const withVersion = (object: StoredObject, version: number): StoredObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(version) },
});

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/**
 * An API server in memory behind discovery's port, for what a real one cannot be made to do: list pages, watches with
 * versions, bookmarks, 410, refusals, broken and silent connections, a cluster made anew.
 */
export class FakeKubernetes implements KubernetesApi {
  readonly ownNamespace = 'default';
  /** Objects created through the port, by collection path. */
  readonly created: { readonly path: string; readonly body: unknown }[] = [];
  /** Lists asked for so far (first pages), by collection path. */
  readonly listsOf = new Map<string, number>();
  /** Watches opened so far, by collection path. */
  readonly watchesOf = new Map<string, number>();
  #objects = new Map<string, Map<string, StoredObject>>();
  #version = 1;
  #oldest = 0;
  #watchers = new Set<Watcher>();
  #history: { readonly collection: string; readonly version: number; readonly event: WatchEvent }[] = [];
  #refusals = new Map<string, number>();
  #expiredPages = 0;
  #isAway = false;
  #silence: 'none' | 'everything' | 'watches' = 'none';

  /** Creates or replaces an object of a collection such as `/api/v1/services`; tells watchers where it changes. */
  put(collection: string, object: StoredObject): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.#collection(collection);
    const before = known.get(key);
    if (before !== undefined && isDeepStrictEqual(withVersion(before, 0), withVersion(object, 0))) return;
    this.#version += 1;
    const stored = withVersion(object, this.#version);
    known.set(key, stored);
    this.#tell(collection, { type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored });
  }

  delete(collection: string, key: string): void {
    const known = this.#collection(collection);
    const object = known.get(key);
    if (object === undefined) throw new Error(`no ${key} in ${collection}`);
    known.delete(key);
    this.#version += 1;
    this.#tell(collection, { type: 'DELETED', object: withVersion(object, this.#version) });
  }

  /** Keys (`namespace/name`) of a collection. */
  keys(collection: string): readonly string[] {
    return [...this.#collection(collection).keys()];
  }

  /** Sends a bookmark with the newest version to every watcher. */
  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } };
    for (const watcher of this.#watchers) {
      if (!watcher.isFromTheFuture) watcher.onEvent({ type: 'BOOKMARK', object });
    }
  }

  /** Forgets history, so that watches from older versions get 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  /** Answers the next `count` requests for a further page with 410. */
  expirePages(count: number): void {
    this.#expiredPages = count;
  }

  /** An empty cluster at the same address, whose versions begin anew. Watches end as `how` says. */
  recreate(how: 'cleanly' | 'broken'): void {
    this.#objects = new Map();
    this.#history = [];
    this.#version = 1;
    this.#oldest = 0;
    this.endWatches(how);
  }

  /** Ends every watch: in good order, or as a broken connection. */
  endWatches(how: 'cleanly' | 'broken'): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      if (how === 'cleanly') watcher.end();
      else watcher.fail(connectionRefused());
    }
  }

  /** Answers requests for a collection with a status, 0 to stop. */
  refuse(collection: string, status: number, verbs: readonly Verb[] = ['list', 'watch', 'create']): void {
    for (const verb of verbs) this.#refusals.set(`${verb} ${collection}`, status);
  }

  /** No connection gets through, open watches break. */
  goAway(): void {
    this.#isAway = true;
    this.endWatches('broken');
  }

  comeBack(): void {
    this.#isAway = false;
    this.#silence = 'none';
  }

  /** Connections stay open but nothing comes any more: on any of them, or on watches only. */
  fallSilent(what: 'everything' | 'watches' = 'everything'): void {
    this.#silence = what;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  async list(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) {
    await this.#admit('list', path, signal);
    const from = Number(query['continue'] ?? 0);
    if (from === 0) this.listsOf.set(path, (this.listsOf.get(path) ?? 0) + 1);
    else if (this.#expiredPages > 0) {
      this.#expiredPages -= 1;
      throw httpError(410);
    }
    const all = [...this.#collection(path).values()];
    const limit = Number(query['limit'] ?? all.length);
    return {
      items: all.slice(from, from + limit),
      resourceVersion: String(this.#version),
      continueToken: from + limit >= all.length ? null : String(from + limit),
    };
  }

  async watch(path: string, query: Readonly<Record<string, string>>, handlers: WatchHandlers): Promise<void> {
    await this.#admit('watch', path, handlers.signal);
    this.watchesOf.set(path, (this.watchesOf.get(path) ?? 0) + 1);
    handlers.onOpen();
    const from = Number(query['resourceVersion']);
    if (from < this.#oldest) {
      handlers.onEvent({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const watcher: Watcher = {
        collection: path,
        onEvent: (event) => {
          if (this.#silence === 'none') handlers.onEvent(event);
        },
        end: resolve,
        fail: reject,
        isFromTheFuture: from > this.#version,
      };
      this.#watchers.add(watcher);
      handlers.signal.addEventListener('abort', () => {
        this.#watchers.delete(watcher);
        reject(handlers.signal.reason);
      });
      for (const { collection, version, event } of this.#history) {
        if (collection === path && version > from) watcher.onEvent(event);
      }
    });
  }

  async create(path: string, body: unknown, signal: AbortSignal): Promise<void> {
    await this.#admit('create', path, signal);
    this.created.push({ path, body });
  }

  async ping(signal: AbortSignal): Promise<void> {
    if (this.#silence === 'everything') await untilAborted(signal);
    if (this.#isAway) throw connectionRefused();
  }

  async #admit(verb: Verb, path: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isAway) throw connectionRefused();
    if (this.#silence === 'everything') await untilAborted(signal);
    const status = this.#refusals.get(`${verb} ${path}`) ?? 0;
    if (status !== 0) throw httpError(status);
  }

  #collection(path: string): Map<string, StoredObject> {
    const known = this.#objects.get(path) ?? new Map<string, StoredObject>();
    this.#objects.set(path, known);
    return known;
  }

  #tell(collection: string, event: WatchEvent): void {
    this.#history.push({ collection, version: this.#version, event });
    for (const watcher of this.#watchers) {
      if (watcher.collection === collection && !watcher.isFromTheFuture) watcher.onEvent(event);
    }
  }
}

const connectionRefused = (): SidecarError => new SidecarError('unavailable', 'connection refused');
