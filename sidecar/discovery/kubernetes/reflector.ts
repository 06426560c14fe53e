import { isDeepStrictEqual } from 'node:util';
import { backoffMs, type Clock, delay, type Logger, type Random } from '../../core/index.ts';
import { describeFinding, type Finding } from '../finding.ts';
import { type ApiQuery, type KubernetesApi, statusOf, type WatchEvent } from './api.ts';
import { type AskedResource, findingOfFailure } from './api-finding.ts';
import type { KubernetesObject } from './objects.ts';
import { readPages } from './paged-list.ts';
import { runWatch, type SilenceLimits } from './watch-session.ts';

/** Keeps a copy of one kind of object, as an API server has it. */
export interface Reflector<Kind extends KubernetesObject> {
  /**
   * Begins; resolves after the first complete list, for which a resource that the server does not know counts as empty.
   * Rejects when the signal is aborted before. Goes on until the signal is aborted, whatever the server does.
   */
  start(signal: AbortSignal): Promise<void>;
  /** What is known, in order of arrival. The same array until something changes; an unchanged object stays the same. */
  objects(): readonly Kind[];
  /** Null while list and watch work, else what is wrong and what mends it. */
  finding(): Finding | null;
}

/** What a reflector follows and how. */
export interface ReflectorOptions<Kind extends KubernetesObject> {
  readonly api: KubernetesApi;
  /** Collection's path, as `/api/v1/namespaces/llm/services`. */
  readonly path: string;
  readonly query?: ApiQuery;
  readonly asked: AskedResource;
  readonly read: (value: unknown) => Kind;
  /** Called after each change of objects or finding; not for events that change nothing read. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Objects a page; small enough that reading one does not block the event loop for long. */
  readonly pageSize?: number;
  readonly pageTimeoutMs?: number;
  readonly silence?: SilenceLimits;
}

// An API server sends a bookmark a minute.
const defaultSilence: SilenceLimits = { pingAfterMs: 10_000, pingTimeoutMs: 5000, deadAfterMs: 90_000 };
/** A watch that was open this long, or that brought anything, ends a row of failures. */
const STEADY_AFTER_MS = 10_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

const keyOf = ({ meta }: KubernetesObject): string => `${meta.namespace}/${meta.name}`;

/**
 * Creates a reflector: list in pages, watch with bookmarks, list again after any broken connection, for behind it may be
 * another cluster whose versions are lower. A watch that the server ended in good order is resumed. Pauses between
 * tries grow with jitter up to 30 s until a watch has proved steady.
 */
export const createReflector = <Kind extends KubernetesObject>(options: ReflectorOptions<Kind>): Reflector<Kind> => {
  const { api, path, query = {}, asked, read, onChange, clock, random, logger } = options;
  const { pageSize = 25, pageTimeoutMs = 10_000, silence = defaultSilence } = options;
  const { resource } = asked;
  let store = new Map<string, Kind>();
  let listed: readonly Kind[] | null = null;
  let finding: Finding | null = null;
  /** Failed tries in a row. */
  let failures = 0;

  const change = (): void => {
    listed = null;
    onChange();
  };

  const setFinding = (next: Finding | null): void => {
    if (isDeepStrictEqual(next, finding)) return;
    finding = next;
    if (next === null) logger.info('kubernetes answers again', { resource });
    else
      logger.warn('kubernetes does not answer as needed', {
        resource,
        code: next.code,
        finding: describeFinding(next),
      });
    onChange();
  };

  /** Keeps the known object where nothing that is read has changed, so that what was derived from it stays valid. */
  const known = (next: Kind): Kind => {
    const before = store.get(keyOf(next));
    return before !== undefined && isDeepStrictEqual(before, next) ? before : next;
  };

  const takeList = (next: Map<string, Kind>): void => {
    const isSame = next.size === store.size && [...next].every(([key, object]) => store.get(key) === object);
    store = next;
    if (!isSame) change();
  };

  const list = async (signal: AbortSignal): Promise<string> => {
    const next = new Map<string, Kind>();
    const paging = { api, path, query, pageSize, pageTimeoutMs, clock, signal };
    const version = await readPages(paging, (items) => {
      for (const item of items) {
        const object = known(read(item));
        next.set(keyOf(object), object);
      }
    });
    takeList(next);
    return version;
  };

  const applyEvent = ({ type, object }: WatchEvent): void => {
    failures = 0;
    const next = known(read(object));
    const key = keyOf(next);
    if (type === 'DELETED') {
      if (store.delete(key)) change();
    } else if (store.get(key) !== next) {
      store.set(key, next);
      change();
    }
  };

  /** Watches once; a watch that was short is followed by a pause. Returns the version to resume from. */
  const watch = async (from: string, signal: AbortSignal): Promise<string | null> => {
    const timeoutSeconds = 240 + Math.floor(60 * random());
    const startedAtMs = clock.now();
    const isSteady = (): boolean => clock.now() - startedAtMs >= STEADY_AFTER_MS;
    let isOpen = false;
    const onOpen = (): void => {
      isOpen = true;
      setFinding(null);
    };
    try {
      const session = { api, path, query, from, timeoutSeconds, limits: silence, clock, signal };
      const next = await runWatch({ ...session, onOpen, onChange: applyEvent });
      if (!isSteady()) await pause(signal);
      return next;
    } finally {
      if (isOpen && isSteady()) failures = 0;
    }
  };

  const pause = async (signal: AbortSignal): Promise<void> => {
    const timing = { attempt: failures, baseMs: FIRST_PAUSE_MS, capMs: LONGEST_PAUSE_MS, random };
    failures += 1;
    await delay(clock, backoffMs(timing), signal).catch(() => {});
  };

  /** Deals with a failed list or watch; the next try is a list. */
  const recover = async (failure: unknown, signal: AbortSignal): Promise<void> => {
    const status = statusOf(failure);
    if (status === 410) {
      logger.debug('watch history is gone, listing again', { resource });
      // At once the first time; a server that says so again and again is not hammered.
      if (failures === 0) failures = 1;
      else await pause(signal);
      return;
    }
    // What a server does not know it has none of. Anything else says nothing about the objects.
    if (status === 404) takeList(new Map());
    setFinding(findingOfFailure(failure, asked));
    await pause(signal);
  };

  const run = async (signal: AbortSignal, onListed: () => void): Promise<void> => {
    let version: string | null = null;
    while (!signal.aborted) {
      try {
        if (version === null) {
          version = await list(signal);
          onListed();
        }
        version = await watch(version, signal);
      } catch (failure) {
        if (signal.aborted) return;
        version = null;
        if (statusOf(failure) === 404) onListed();
        await recover(failure, signal);
      }
    }
  };

  return {
    start: (signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        void run(signal, resolve);
      }),
    objects: () => {
      listed ??= [...store.values()];
      return listed;
    },
    finding: () => finding,
  };
};
