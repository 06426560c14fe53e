import { type Clock, SidecarError } from '../../core/index.ts';
import type { ApiQuery, KubernetesApi, WatchEvent } from './api.ts';
import { withDeadline } from './deadline.ts';

/** How long silence on a watch is borne. */
export interface SilenceLimits {
  /** Silence after which the server is asked whether it is still there. */
  readonly pingAfterMs: number;
  /** How long the answer to that may take. */
  readonly pingTimeoutMs: number;
  /** Silence, bookmarks included, after which the watch counts as dead though the server answers. */
  readonly deadAfterMs: number;
}

/** One watch to be run. */
export interface WatchSessionOptions {
  readonly api: KubernetesApi;
  readonly path: string;
  readonly query: ApiQuery;
  /** Version to watch from. */
  readonly from: string;
  /** Seconds after which the server is to end the watch in good order. */
  readonly timeoutSeconds: number;
  readonly limits: SilenceLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  /** Called for every change; never for bookmarks and errors. */
  readonly onChange: (event: WatchEvent) => void;
}

const versionOf = (object: unknown): string | null => {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return null;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || !('resourceVersion' in metadata)) return null;
  return typeof metadata.resourceVersion === 'string' ? metadata.resourceVersion : null;
};

const errorOf = (object: unknown): SidecarError => {
  const code = typeof object === 'object' && object !== null && 'code' in object ? Number(object.code) : 0;
  return new SidecarError('unavailable', `the watch ended with ${code}`, { details: { status: code } });
};

/**
 * Watches until the server ends it in good order. Resolves with the version to resume from, or null where only a new list
 * helps: the watch said nothing at all, as one does from a version that the server has not reached (a cluster made anew
 * at the same address). Rejects where the connection breaks, the server sends an error (status 410: history is gone),
 * does not answer a ping, or goes on answering pings while the watch stays silent past its bookmarks.
 */
export const runWatch = async (options: WatchSessionOptions): Promise<string | null> => {
  const { api, path, query, clock, limits, onOpen, onChange } = options;
  const broken = new AbortController();
  const onAbort = (): void => broken.abort(options.signal.reason);
  options.signal.addEventListener('abort', onAbort, { once: true });
  let last: string | null = null;
  let heardAtMs = clock.now();
  let cancelSilence = (): void => {};
  let isOver = false;

  const onSilence = async (): Promise<void> => {
    if (clock.now() - heardAtMs >= limits.deadAfterMs) {
      return broken.abort(new SidecarError('unavailable', 'the watch went silent'));
    }
    const { pingTimeoutMs: timeoutMs } = limits;
    try {
      await withDeadline((signal) => api.ping(signal), { clock, timeoutMs, signal: broken.signal });
    } catch (failure) {
      return broken.abort(SidecarError.from(failure, 'unavailable'));
    }
    awaitSilence();
  };
  const awaitSilence = (): void => {
    cancelSilence();
    if (isOver || broken.signal.aborted) return;
    cancelSilence = clock.schedule(limits.pingAfterMs, () => void onSilence());
  };
  const onEvent = (event: WatchEvent): void => {
    heardAtMs = clock.now();
    awaitSilence();
    if (event.type === 'ERROR') {
      broken.abort(errorOf(event.object));
    } else {
      last = versionOf(event.object) ?? last;
      if (event.type !== 'BOOKMARK') onChange(event);
    }
  };

  awaitSilence();
  const asked = {
    ...query,
    resourceVersion: options.from,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(options.timeoutSeconds),
  };
  try {
    options.signal.throwIfAborted();
    await api.watch(path, asked, { signal: broken.signal, onOpen, onEvent });
  } catch (failure) {
    throw broken.signal.aborted ? broken.signal.reason : failure;
  } finally {
    isOver = true;
    cancelSilence();
    options.signal.removeEventListener('abort', onAbort);
  }
  broken.signal.throwIfAborted();
  return last;
};
