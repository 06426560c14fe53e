import { isIP, type Server } from 'node:net';
import { SidecarError } from '../core/index.ts';

const parseListen = (listen: string): { host: string; port: number } => {
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new SidecarError('invalid-argument', 'listen must be host:port');
  }
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port };
};

const boundAddress = (server: Server): string => {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new SidecarError('internal', 'listener has no address');
  return `${isIP(bound.address) === 6 ? `[${bound.address}]` : bound.address}:${bound.port}`;
};

/**
 * Begins listening on `host:port`, IPv6 hosts in brackets, and resolves with the bound address, for port 0 takes a free
 * one. Rejects with `listen-failed`.
 */
export const listenOn = (
  server: Server,
  options: { readonly gateway: string; readonly listen: string },
): Promise<string> =>
  new Promise((resolve, reject) => {
    const { gateway, listen } = options;
    const { host, port } = parseListen(listen);
    server.on('error', (cause: NodeJS.ErrnoException) => {
      const details = { gateway, listen, cause: cause.code ?? null };
      reject(new SidecarError('listen-failed', `${gateway} cannot listen on ${listen}`, { details, cause }));
    });
    server.listen({ host, port }, () => resolve(boundAddress(server)));
  });
