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

/** How a watch is followed. */
export interface WatchHandlers {
  readonly signal: AbortSignal;
  /** Called once, when the server has accepted the watch. */
  readonly onOpen: () => void;
  /** Called for each line, in order. */
  readonly onEvent: (event: WatchEvent) => void;
}

/**
 * What discovery asks of an API server. Failures are SidecarErrors of code `unavailable`; `details.status` holds the HTTP
 * status where the server answered.
 */
export interface KubernetesApi {
  list(path: string, query: ApiQuery, signal: AbortSignal): Promise<ListPage>;
  /** Resolves when the server ends the watch in good order, rejects when the connection breaks. */
  watch(path: string, query: ApiQuery, handlers: WatchHandlers): Promise<void>;
  /** Creates an object; one that exists under the same name already is left as it is, without an error. */
  create(path: string, body: unknown, signal: AbortSignal): Promise<void>;
  /** Resolves when the server answers at all, with whatever status. */
  ping(signal: AbortSignal): Promise<void>;
  /** Namespace of the sidecar's own credentials, null where unknown. */
  readonly ownNamespace: string | null;
}

/** HTTP status of a failure of {@link KubernetesApi}, null where the server did not answer. */
export const statusOf = (failure: unknown): number | null => {
  if (typeof failure !== 'object' || failure === null || !('details' in failure)) return null;
  const { details } = failure;
  if (typeof details !== 'object' || details === null || !('status' in details)) return null;
  return typeof details.status === 'number' ? details.status : null;
};
