/** Paths that may clear a cache; only these are worth parsing. */
const clearingPath = /\/(?:reset_prefix_cache|sleep|pause)/;

/**
 * What a request to an engine's own API does to its cache, by method and path as the client sent it; null where it leaves
 * the cache alone. `reset` is refused by an engine whose blocks are in use; `forced` ones stop or abort whatever runs first.
 * Source: vLLM, vllm/entrypoints/serve (cache, sleep and rlhf routers, served in development mode).
 */
export const cacheClearingOf = (method: string, path: string | null): 'reset' | 'forced' | null => {
  if (method !== 'POST' || path === null || !clearingPath.test(path)) return null;
  const url = URL.parse(path, 'http://engine');
  if (url === null) return null;
  const flag = (name: string): string | null => url.searchParams.get(name)?.toLowerCase() ?? null;
  switch (url.pathname) {
    case '/reset_prefix_cache':
      return flag('reset_running_requests') === 'true' ? 'forced' : 'reset';
    case '/sleep':
      return flag('level') === '0' ? null : 'forced';
    case '/pause':
      return flag('clear_cache') === 'false' ? null : 'forced';
    default:
      return null;
  }
};
