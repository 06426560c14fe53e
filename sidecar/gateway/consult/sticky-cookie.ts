import { createHash } from 'node:crypto';

const hashCharacters = 16;

/**
 * A `cookie` header by which Traefik's sticky sessions go to `address`: the client's cookies with `name` set to the first
 * 16 hex digits of the sha256 of the server's URL (traefik/traefik, pkg/server/service/loadbalancer/sticky.go). Whatever
 * the client sent under that name is left out.
 */
export const stickyCookie = (clientCookies: string | undefined, name: string, address: string): string => {
  const others = (clientCookies ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '' && cookie.split('=', 1)[0]?.trim() !== name);
  const hash = createHash('sha256').update(`http://${address}`).digest('hex').slice(0, hashCharacters);
  return [...others, `${name}=${hash}`].join('; ');
};
