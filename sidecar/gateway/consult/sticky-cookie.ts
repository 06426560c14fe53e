import { createHash } from 'node:crypto';
import NodeCache from 'node-cache';

const hashCharacters = 16;
/** Addresses remembered with their hash; a rolling update leaves old ones behind, which go by age. */
const maxAddresses = 10_000;
const rememberSeconds = 3600;

/**
 * Creates the maker of a `cookie` header by which Traefik's sticky sessions go to `address`: the client's cookies with `name`
 * set to the first 16 hex digits of the sha256 of the server's URL (traefik/traefik,
 * pkg/server/service/loadbalancer/sticky.go). Whatever the client sent under that name is left out.
 */
export const createStickyCookie = (name: string): ((clientCookies: string | undefined, address: string) => string) => {
  const hashes = new NodeCache({ stdTTL: rememberSeconds, checkperiod: 0, useClones: false });

  const hashOf = (address: string): string => {
    const known = hashes.get<string>(address);
    if (known !== undefined) return known;
    if (hashes.keys().length >= maxAddresses) hashes.flushAll();
    const hash = createHash('sha256').update(`http://${address}`).digest('hex').slice(0, hashCharacters);
    hashes.set(address, hash);
    return hash;
  };

  return (clientCookies, address) => {
    const others = (clientCookies ?? '')
      .split(';')
      .map((cookie) => cookie.trim())
      .filter((cookie) => cookie !== '' && cookie.split('=', 1)[0]?.trim() !== name);
    return [...others, `${name}=${hashOf(address)}`].join('; ');
  };
};
