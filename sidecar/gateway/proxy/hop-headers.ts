import type { IncomingHttpHeaders } from 'node:http';

// RFC 9110, section 7.6.1, and the older ones of RFC 2616 that are still sent.
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade', 'trailer'];

/** Takes off headers that speak of one connection only, those that `connection` names included. */
export const removeHopHeaders = (headers: IncomingHttpHeaders): void => {
  for (const name of headers.connection?.split(',') ?? []) {
    const named = name.trim().toLowerCase();
    if (named !== 'content-length' && named !== 'host') delete headers[named];
  }
  for (const name of hopByHop) if (headers[name] !== undefined) delete headers[name];
};
