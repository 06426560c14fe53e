import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { SidecarError } from '../../core/index.ts';

const errorCode = (failure: unknown): unknown =>
  typeof failure === 'object' && failure !== null && 'code' in failure ? failure.code : null;

const addressesOf = async (service: string): Promise<readonly string[]> => {
  const colon = service.lastIndexOf(':');
  try {
    const found = await lookup(service.slice(0, colon), { all: true });
    return found.map(
      ({ address }) => `http://${isIP(address) === 6 ? `[${address}]` : address}${service.slice(colon)}`,
    );
  } catch (failure) {
    // A headless Service without a single endpoint has no name.
    if (['ENOTFOUND', 'ENODATA'].includes(String(errorCode(failure)))) return [];
    throw failure;
  }
};

/** Admin URLs of the peers as of now: those listed, and one an address of the service. Rejects with `unavailable`. */
export const findPeers = async (options: {
  readonly peers: readonly string[];
  readonly peerService: string | null;
}): Promise<readonly string[]> => {
  const { peers, peerService } = options;
  try {
    const found = peerService === null ? [] : await addressesOf(peerService);
    return [...new Set([...peers.map((url) => url.replace(/\/+$/, '')), ...found])];
  } catch (failure) {
    throw SidecarError.from(failure, 'unavailable');
  }
};

/** Endpoints asked for in one request, so that its line stays short. */
const maxAsked = 50;

/** The bytes of a peer's dump. Throws `unavailable` where it does not answer, or not with a dump. */
export async function* fetchDump(
  url: string,
  { endpoints, signal }: { readonly endpoints: readonly string[] | 'none'; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, void> {
  const query = new URLSearchParams();
  if (endpoints === 'none') query.set('head', 'true');
  else for (const id of endpoints) query.append('endpoint', id);
  try {
    const response = await fetch(`${url}/api/v1/dump?${query}`, { signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new SidecarError('unavailable', `it answers ${response.status}`);
    }
    for await (const chunk of response.body) yield chunk;
  } catch (failure) {
    throw SidecarError.from(failure, 'unavailable');
  }
}

/** The same in as many requests as needed. */
export const requestsFor = (endpoints: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(endpoints.length / maxAsked) }, (_, at) =>
    endpoints.slice(at * maxAsked, (at + 1) * maxAsked),
  );
