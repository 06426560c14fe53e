import { once } from 'node:events';
import { connect } from 'node:net';
import { startProcess } from '../../support/process.ts';

/** A port to which new connections are never answered. */
export interface DroppingPort extends AsyncDisposable {
  readonly number: number;
}

/** Listens and accepts nobody: Node cannot help accepting. */
const script = `
import socket, sys, time
listener = socket.socket()
listener.bind((sys.argv[1], 0))
listener.listen(0)
print(listener.getsockname()[1], flush=True)
time.sleep(600)
`;

/**
 * Opens a port whose queue of connections is full, so that the kernel drops the packets of further ones, as a firewall
 * does. Linux only.
 */
export const startDroppingPort = async (host: string): Promise<DroppingPort> => {
  const listener = startProcess('python3', ['-c', script, host]);
  const number = Number(await listener.firstLine);
  // A queue of length 0 takes one.
  const waiting = connect({ host, port: number });
  await once(waiting, 'connect');
  return {
    number,
    [Symbol.asyncDispose]: async () => {
      waiting.destroy();
      await listener.stop('SIGKILL');
    },
  };
};
