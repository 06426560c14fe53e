import type { Clock } from '../../core/index.ts';
import type { ApiQuery, KubernetesApi } from './api.ts';
import { withDeadline } from './deadline.ts';

/** How a list is read. */
export interface PagedListOptions {
  readonly api: KubernetesApi;
  readonly path: string;
  readonly query: ApiQuery;
  /** Objects a page. */
  readonly pageSize: number;
  /** How long the answer to one page may take. */
  readonly pageTimeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Reads a collection page by page, calling `onPage` for each; one page a turn of the event loop, so that decisions come
 * in between. Resolves with the version to watch from. Rejects as the API does: status 410 where a page came too late.
 */
export const readPages = async (
  options: PagedListOptions,
  onPage: (items: readonly unknown[]) => void,
): Promise<string> => {
  const { api, path, query, pageSize, pageTimeoutMs, clock, signal } = options;
  let continueToken: string | null = null;
  for (;;) {
    const asked: ApiQuery = {
      ...query,
      limit: String(pageSize),
      ...(continueToken === null ? {} : { continue: continueToken }),
    };
    const page = await withDeadline((limited) => api.list(path, asked, limited), {
      clock,
      timeoutMs: pageTimeoutMs,
      signal,
    });
    onPage(page.items);
    if (page.continueToken === null) return page.resourceVersion;
    continueToken = page.continueToken;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
};
