import { isIP } from 'node:net';
import { z } from 'zod';

/** Where one rank of an engine publishes its events, as the engine says. */
export interface EventSource {
  readonly rank: number;
  readonly eventsAddress: string;
  /** Null where replay is off. */
  readonly replayAddress: string | null;
}

/** Sends a GET; the global `fetch` fits. */
export type FetchJson = (
  url: string,
  init: { readonly signal: AbortSignal },
) => Promise<{
  readonly ok: boolean;
  json(): Promise<unknown>;
}>;

const source = z.object({
  data_parallel_rank: z.number().int().nonnegative().optional(),
  endpoint: z.string().min(1),
  replay_endpoint: z.string().min(1).nullish(),
});
const sources = z.union([z.array(source), z.record(z.string(), source)]);

const wildcardHosts = new Set(['*', '0.0.0.0', '[::]', '::']);

/** A ZeroMQ address as dialled from here: a wildcard host, which the engine binds, becomes the endpoint's own. */
const reachable = (address: string, host: string): string => {
  const [, bound, port] = /^tcp:\/\/(.*):(\d+)$/.exec(address) ?? [];
  if (bound === undefined || port === undefined || !wildcardHosts.has(bound)) return address;
  return `tcp://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
};

/** What a rank binds where all were given one address: the port grows by the rank. */
const ofRank = (address: string, rank: number): string =>
  address.replace(/:(\d+)$/, (_, port: string) => `:${Number(port) + rank}`);

/**
 * Reads the answer of `GET /kv_event_sources`: an array with an item a rank, or a map from rank to the same. Null where it
 * is neither, or where events are off. Source: vLLM, vllm/entrypoints/serve/kv_events/api_router.py (0.31 and later).
 */
export const parseEventSources = (answer: unknown, host: string): readonly EventSource[] | null => {
  const parsed = sources.safeParse(answer);
  if (!parsed.success) return null;
  const ranked = Array.isArray(parsed.data)
    ? parsed.data.map((item, at) => ({ item, rank: item.data_parallel_rank ?? at }))
    : Object.entries(parsed.data).map(([key, item]) => ({ item, rank: item.data_parallel_rank ?? Number(key) }));
  const usable = ranked.filter(({ rank }) => Number.isSafeInteger(rank) && rank >= 0);
  if (usable.length === 0) return null;
  const isOneForAll = usable.length > 1 && new Set(usable.map(({ item }) => item.endpoint)).size === 1;
  return usable.map(({ item, rank }) => {
    const addressOf = (address: string): string => reachable(isOneForAll ? ofRank(address, rank) : address, host);
    const { endpoint, replay_endpoint: replay } = item;
    return { rank, eventsAddress: addressOf(endpoint), replayAddress: replay ? addressOf(replay) : null };
  });
};

/**
 * Asks an engine where it publishes its events. Null where it does not say: an engine before vLLM 0.31 answers 404, another
 * does not answer at all. Never throws.
 */
export const fetchEventSources = async (options: {
  /** `host:port` of the engine's API. */
  readonly address: string;
  readonly fetch: FetchJson;
  readonly signal: AbortSignal;
}): Promise<readonly EventSource[] | null> => {
  try {
    const response = await options.fetch(`http://${options.address}/kv_event_sources`, { signal: options.signal });
    if (!response.ok) return null;
    const host = options.address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    return parseEventSources(await response.json(), host);
  } catch {
    return null;
  }
};
