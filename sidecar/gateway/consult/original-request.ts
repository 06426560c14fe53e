import type { IncomingMessage } from 'node:http';
import { headerReader, pathOf } from '../edge-request.ts';

/** The client's request behind a consult request. */
export interface OriginalRequest {
  readonly method: string;
  /** Null where the gateway does not say it. */
  readonly path: string | null;
  /** Whether the gateway says that it cut the body off. */
  readonly isBodyCut: boolean;
}

const withoutPrefix = (path: string, prefix: string): string => {
  if (prefix === '' || !path.startsWith(prefix)) return path;
  return pathOf(path.slice(prefix.length));
};

/**
 * Finds the client's method and path: `x-forwarded-uri` and `x-forwarded-method` (Traefik, Caddy, APISIX),
 * `x-original-uri` and `x-original-method` (nginx), else the consult request's own, without `pathPrefix` (Envoy's
 * `path_prefix`). NGINX Gateway Fabric asks for `/` whatever the path was, so that a bare `/` is no path.
 */
export const originalRequest = (request: IncomingMessage, pathPrefix: string): OriginalRequest => {
  const header = headerReader(request);
  const named = header('x-forwarded-uri') ?? header('x-original-uri');
  const path = named === undefined ? withoutPrefix(pathOf(request.url ?? '/'), pathPrefix) : pathOf(named);
  return {
    method: header('x-forwarded-method') ?? header('x-original-method') ?? request.method ?? 'GET',
    path: path === '/' ? null : path,
    isBodyCut: header('x-envoy-auth-partial-body')?.toLowerCase() === 'true',
  };
};
