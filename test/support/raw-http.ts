import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** A TCP connection that speaks HTTP/1.1 by hand, for what client libraries hide. */
export interface RawConnection extends AsyncDisposable {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** All text received so far. */
  readonly text: string;
  /** Resolves with the text received when it contains `part`; rejects when the connection ends before. */
  until(part: string): Promise<string>;
  /** Resolves with all text when the peer has closed the connection. */
  closed(): Promise<string>;
}

/** Connects to `host:port`. */
export const openRaw = async (address: string): Promise<RawConnection> => {
  const colon = address.lastIndexOf(':');
  const socket = createConnection({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
  await once(socket, 'connect');
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  return {
    socket,
    write: (data) => void socket.write(data),
    get text() {
      return text;
    },
    until: (part) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.includes(part)) done(() => resolve(text));
          else if (isClosed) done(() => reject(new Error(`connection closed before ${JSON.stringify(part)}: ${text}`)));
        };
        const done = (settle: () => void): void => {
          socket.off('data', look);
          socket.off('close', look);
          settle();
        };
        socket.on('data', look);
        socket.on('close', look);
        look();
      }),
    closed: async () => {
      if (!isClosed) await once(socket, 'close');
      return text;
    },
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
};

/** Value of a header in a raw response, undefined where it is absent. */
export const rawHeader = (response: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\\r$`, 'im').exec(response.split('\r\n\r\n')[0] ?? '')?.[1];
