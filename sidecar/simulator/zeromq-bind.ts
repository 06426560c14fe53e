import type { Socket } from 'zeromq';
import { delay, SidecarError, systemClock } from '../core/index.ts';

const attempts = 200;
const pauseMs = 5;

const isTaken = (failure: unknown): boolean =>
  failure instanceof Error && 'code' in failure && failure.code === 'EADDRINUSE';

/**
 * Binds `socket` and returns the address it got, with the port that a `*` stood for. A port that is taken is tried
 * again for a second of real time, since ZeroMQ gives ports back some time after a close. Throws `listen-failed`.
 */
export const bindSocket = async (socket: Socket, address: string): Promise<string> => {
  for (let attempt = 1; ; attempt++) {
    try {
      await socket.bind(address);
      return socket.lastEndpoint ?? address;
    } catch (cause) {
      if (!isTaken(cause) || attempt === attempts) {
        throw new SidecarError('listen-failed', `cannot bind ${address}`, { details: { address }, cause });
      }
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
