import type { RequestControl, RouteRequest } from '../../../routing/index.ts';
import { isOwnedHeader } from '../../owned-headers.ts';
import type { HeaderList } from './header-list.ts';

/** A request before its body. */
export interface RequestHead {
  readonly headers: HeaderList;
  readonly subset: readonly string[] | null;
  readonly observesResponse: boolean;
  readonly control: RequestControl | null;
}

/** What of a body is known. */
export interface KnownBody {
  readonly bytes: Buffer | null;
  readonly isComplete: boolean;
}

// Envoy and its kin send the pseudo-header; a filter before may have rewritten it and kept the client's elsewhere.
const pathHeaders = [':path', 'x-original-path', 'x-forwarded-path'] as const;

/** Bytes of the body by `content-length`; null where it is absent or no number. */
export const announcedBytes = (headers: HeaderList): number | null => {
  const text = headers.get('content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
};

/** A request as routing takes it. Names that only the sidecar may set read as absent. */
export const routeRequestOf = (head: RequestHead, body: KnownBody): RouteRequest => {
  const { headers, subset, observesResponse, control } = head;
  const header = (name: string): string | undefined => (isOwnedHeader(name) ? undefined : headers.get(name));
  const wholeBodyBytes = body.isComplete ? (body.bytes?.length ?? 0) : announcedBytes(headers);
  return {
    method: headers.get(':method') ?? 'POST',
    path: pathHeaders.map(header).find((path) => path !== undefined) ?? null,
    header,
    body: body.bytes,
    isBodyComplete: body.isComplete,
    ...(wholeBodyBytes === null ? {} : { wholeBodyBytes }),
    subset,
    excluded: null,
    observesResponse,
    ...(control === null ? {} : { control }),
  };
};
