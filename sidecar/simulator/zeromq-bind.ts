import type { Socket } from 'zeromq';
import { delay, SidecarError, systemClock } from '../core/index.ts';
import { lastingPort, lastingPortAttempts } from './lasting-port.ts';

const attempts = 400;
const pauseMs = 5;

/** By the code alone: the addon's errors may be of another realm, whose `Error` is not this one. */
const isTaken = (failure: unknown): boolean =>
  typeof failure === 'object' && failure !== null && 'code' in failure && failure.code === 'EADDRINUSE';

const failed = (address: string, cause: unknown): SidecarError =>
  new SidecarError('listen-failed', `cannot bind ${address}`, { details: { address }, cause });

/** Binds to a port that will be free again after a restart. */
const bindAnywhere = async (socket: Socket, wildcard: string): Promise<string> => {
  for (let attempt = 1; ; attempt++) {
    const address = wildcard.replace(/\*$/, String(lastingPort()));
    try {
      await socket.bind(address);
      return address;
    } catch (cause) {
      if (!isTaken(cause) || attempt === lastingPortAttempts) throw failed(wildcard, cause);
    }
  }
};

/**
 * Binds `socket` and returns the address it got, with the port that a `*` stood for. A port that is taken is tried
 * again for two seconds of real time, since ZeroMQ gives ports back some time after a close. Throws `listen-failed`.
 */
export const bindSocket = async (socket: Socket, address: string): Promise<string> => {
  if (/^tcp:.*:\*$/.test(address)) return bindAnywhere(socket, address);
  for (let attempt = 1; ; attempt++) {
    try {
      await socket.bind(address);
      return socket.lastEndpoint ?? address;
    } catch (cause) {
      if (!isTaken(cause) || attempt === attempts) throw failed(address, cause);
      await delay(systemClock, pauseMs);
    }
  }
};

/** Address of rank `rank` where rank 0 has `address`: the port grows by the rank; a `*` stays for rank 0 only. */
export const rankAddress = (address: string, rank: number): string => {
  if (rank === 0) return address;
  const [, head, port] = /^(tcp:.*:)(\d+)$/.exec(address) ?? [];
  if (head === undefined || port === undefined) {
    throw new SidecarError('invalid-argument', 'ranks above 0 need a tcp address with a port', {
      details: { address },
    });
  }
  return `${head}${Number(port) + rank}`;
};
