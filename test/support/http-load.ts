import { Agent, createServer, type IncomingMessage, type RequestListener, request } from 'node:http';

/** A client that posts one body again and again over kept connections. */
export interface LoadClient {
  /** Posts to `address` `concurrency` times at once; resolves when every answer has been read. */
  burst(address: string): Promise<void>;
  close(): void;
}

const drained = (response: IncomingMessage): Promise<void> =>
  new Promise((resolve, reject) => {
    response.on('error', reject);
    response.on('end', resolve);
    response.resume();
  });

/** Creates a client; a status other than 200 rejects. */
export const createLoadClient = (options: { readonly body: Uint8Array; readonly concurrency: number }): LoadClient => {
  const agent = new Agent({ keepAlive: true });
  const headers = { 'content-type': 'application/json', 'content-length': options.body.length };
  const post = (address: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const [host = '', port = ''] = address.split(':');
      const outgoing = request(
        { host, port, agent, method: 'POST', path: '/v1/chat/completions', headers },
        (response) => {
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
          drained(response).then(resolve, reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(options.body);
    });
  return {
    burst: async (address) =>
      void (await Promise.all(Array.from({ length: options.concurrency }, () => post(address)))),
    close: () => agent.destroy(),
  };
};

/** A plain server on a free loopback port. */
export const startServer = async (listener: RequestListener): Promise<{ address: string; close: () => void }> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    address: `127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
