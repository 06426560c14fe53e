import { backoffMs, type Clock, delay, type Logger, type Random, SidecarError } from '../../core/index.ts';
import type { ApiQuery, KubernetesApi, WatchEvent } from './api.ts';
import type { KubernetesObject } from './objects.ts';

/** Keeps a copy of one kind of object, as an API server has it. */
export interface Reflector<Kind extends KubernetesObject> {
  /** Begins; resolves after the first complete list. Ends when the signal is aborted. */
  start(signal: AbortSignal): Promise<void>;
  objects(): readonly Kind[];
  /** Null while list and watch work, else what is wrong and what mends it. */
  problem(): string | null;
}

/** What a reflector follows and how. */
export interface ReflectorOptions<Kind extends KubernetesObject> {
  readonly api: KubernetesApi;
  /** Collection's path, as `/api/v1/namespaces/llm/services`. */
  readonly path: string;
  readonly query?: ApiQuery;
  /** Plural resource with group, as RBAC names it, for messages. */
  readonly resource: string;
  readonly read: (value: unknown) => Kind;
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Objects a page; small enough that reading one does not block the event loop for long. */
  readonly pageSize?: number;
  /** Silence after which the server is asked whether it is still there. */
  readonly silenceMs?: number;
  /** How long that question may take. */
  readonly pingTimeoutMs?: number;
}

const statusOf = (error: unknown): number | null =>
  error instanceof SidecarError && typeof error.details['status'] === 'number' ? error.details['status'] : null;

/** A watch's history is gone; only a new list helps. */
const isExpired = (error: unknown): boolean => statusOf(error) === 410;

const versionOf = (object: unknown): string | null => {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return null;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || !('resourceVersion' in metadata)) return null;
  return typeof metadata.resourceVersion === 'string' ? metadata.resourceVersion : null;
};

const errorOfEvent = (object: unknown): SidecarError => {
  const code = typeof object === 'object' && object !== null && 'code' in object ? Number(object.code) : 0;
  return new SidecarError('unavailable', `the watch ended with ${code}`, { details: { status: code } });
};

/**
 * Creates a reflector: list in pages, watch with bookmarks, list again after any broken connection. A watch that the
 * server ended in good order is resumed from its last version; after a broken one the cluster may be another one whose
 * versions are lower, on which a resumed watch would stay silent for ever.
 */
export const createReflector = <Kind extends KubernetesObject>(options: ReflectorOptions<Kind>): Reflector<Kind> => {
  const { api, path, query = {}, resource, read, onChange, clock, random, logger } = options;
  const { pageSize = 25, silenceMs = 10_000, pingTimeoutMs = 5000 } = options;
  let store = new Map<string, Kind>();
  let problem: string | null = 'not listed yet';

  const listAll = async (signal: AbortSignal): Promise<string> => {
    const next = new Map<string, Kind>();
    let continueToken: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<KubernetesApi['list']>> = await api.list(
        path,
        { ...query, limit: String(pageSize), ...(continueToken === null ? {} : { continue: continueToken }) },
        signal,
      );
      for (const item of page.items) {
        const object = read(item);
        next.set(`${object.meta.namespace}/${object.meta.name}`, object);
      }
      if (page.continueToken === null) {
        store = next;
        return page.resourceVersion;
      }
      continueToken = page.continueToken;
      // One page a turn, so that decisions come in between.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };

  const applyEvent = ({ type, object }: WatchEvent): void => {
    const value = read(object);
    const key = `${value.meta.namespace}/${value.meta.name}`;
    if (type === 'DELETED') store.delete(key);
    else store.set(key, value);
    onChange();
  };

  /** Watches until the server ends it; returns the version to go on from. */
  const watchFrom = async (version: string, signal: AbortSignal): Promise<string> => {
    let last = version;
    const broken = new AbortController();
    const both = AbortSignal.any([signal, broken.signal]);
    let cancelSilence = () => {};
    const awaitSilence = (): void => {
      cancelSilence();
      cancelSilence = clock.schedule(silenceMs, () => {
        const ping = new AbortController();
        const cancelPing = clock.schedule(pingTimeoutMs, () => ping.abort());
        api.ping(AbortSignal.any([both, ping.signal])).then(
          () => {
            cancelPing();
            if (!both.aborted) awaitSilence();
          },
          (cause: unknown) => {
            cancelPing();
            broken.abort(SidecarError.from(cause, 'unavailable'));
          },
        );
      });
    };
    awaitSilence();
    try {
      await api.watch(
        path,
        {
          ...query,
          resourceVersion: version,
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(240 + Math.floor(60 * random())),
        },
        {
          signal: both,
          onEvent: (event) => {
            awaitSilence();
            if (event.type === 'ERROR') return broken.abort(errorOfEvent(event.object));
            last = versionOf(event.object) ?? last;
            if (event.type !== 'BOOKMARK') applyEvent(event);
          },
        },
      );
    } catch (failure) {
      throw broken.signal.aborted ? broken.signal.reason : failure;
    } finally {
      cancelSilence();
    }
    if (broken.signal.aborted) throw broken.signal.reason;
    return last;
  };

  const describe = (error: SidecarError): string => {
    const status = statusOf(error);
    if (status === 403)
      return `${resource}: forbidden; the Role needs verbs [get, list, watch] on ${resource} (${path})`;
    if (status === 401) return `${resource}: the credentials were refused (401)`;
    if (status === 404) return `${resource}: the API server does not know this resource; is its CRD installed?`;
    return `${resource}: ${error.message}`;
  };

  const run = async (signal: AbortSignal, onFirstList: () => void): Promise<void> => {
    let attempt = 0;
    let version: string | null = null;
    while (!signal.aborted) {
      try {
        if (version === null) {
          version = await listAll(signal);
          problem = null;
          attempt = 0;
          onChange();
          onFirstList();
        }
        version = await watchFrom(version, signal);
      } catch (failure) {
        if (signal.aborted) return;
        version = null;
        if (isExpired(failure)) {
          logger.debug('watch history is gone, listing again', { resource });
          continue;
        }
        const error = SidecarError.from(failure, 'unavailable');
        const next = describe(error);
        if (next !== problem) logger.warn('kubernetes is not answering as needed', { resource, problem: next });
        problem = next;
        onChange();
        await delay(clock, backoffMs({ attempt, baseMs: 200, capMs: 30_000, random }), signal).catch(() => {});
        attempt += 1;
      }
    }
  };

  return {
    start: (signal) =>
      new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        void run(signal, resolve);
      }),
    objects: () => [...store.values()],
    problem: () => problem,
  };
};
