/** One page of a list. */
export interface ListPage {
  readonly items: readonly unknown[];
  /** Version to watch from, once the last page is read. */
  readonly resourceVersion: string;
  /** Where the next page begins; null after the last. */
  readonly continueToken: string | null;
}

/** One line of a watch. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
}

/** Query parameters by name. */
export type ApiQuery = Readonly<Record<string, string>>;

/**
 * What discovery asks of an API server. Failures are SidecarErrors of code `unavailable`; `details.status` holds the HTTP
 * status where the server answered.
 */
export interface KubernetesApi {
  list(path: string, query: ApiQuery, signal: AbortSignal): Promise<ListPage>;
  /** Calls `onEvent` for each line, in order; resolves when the server ends the watch. */
  watch(
    path: string,
    query: ApiQuery,
    options: { readonly signal: AbortSignal; readonly onEvent: (event: WatchEvent) => void },
  ): Promise<void>;
  create(path: string, body: unknown, signal: AbortSignal): Promise<void>;
  /** Resolves when the server answers at all. */
  ping(signal: AbortSignal): Promise<void>;
  /** Namespace of the sidecar's own credentials, null where unknown. */
  readonly ownNamespace: string | null;
}
