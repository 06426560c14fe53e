import { Agent, request as openRequest, type RequestListener } from 'node:http';
import { createProxyGateway } from '../../../sidecar/gateway/index.ts';
import { routedTo } from '../../support/fake-router.ts';
import { createLoadClient, startServer } from '../../support/http-load.ts';
import { quietGatewayOptions } from '../../support/started-gateway.ts';
import type { Benchmark } from '../harness.ts';

const concurrency = 16;
const answer = JSON.stringify({ choices: [], usage: { prompt_tokens: 40, completion_tokens: 2 } });

const engine: RequestListener = (request, response) => {
  request.resume();
  request.on('end', () => response.end(answer));
};

const bareForward = (address: string): RequestListener => {
  const agent = new Agent({ keepAlive: true });
  const [host = '', port = ''] = address.split(':');
  return (request, response) => {
    const { method = 'GET', url: path = '/', headers } = request;
    const upstream = openRequest({ host, port, agent, method, path, headers }, (incoming) => {
      response.writeHead(incoming.statusCode ?? 502, incoming.headers);
      incoming.pipe(response);
    });
    request.pipe(upstream);
  };
};

const proxy = (kilobytes: number): Benchmark => ({
  name: `proxy: edge alone, ${kilobytes} KB bodies, client and engine in the same process`,
  unit: 'request',
  unitsPerCall: concurrency,
  setup: async () => {
    const client = createLoadClient({ body: Buffer.alloc(kilobytes * 1000, 'x'), concurrency });
    const target = await startServer(engine);
    const decision = routedTo(target.address);
    const bare = await startServer(bareForward(target.address));
    const gateway = createProxyGateway({ ...quietGatewayOptions, router: { route: () => decision } });
    const { address } = await gateway.start(new AbortController().signal);
    return {
      baseline: 'bare forward',
      bodies: [
        { name: 'no proxy', run: () => client.burst(target.address) },
        { name: 'bare forward', run: () => client.burst(bare.address) },
        { name: 'proxy', run: () => client.burst(address) },
      ],
      dispose: async () => {
        client.close();
        target.close();
        bare.close();
        await gateway.stop(0);
      },
    };
  },
});

/** What the proxy costs besides routing, beside a forward that does nothing else. */
export const benchmarks: readonly Benchmark[] = [proxy(1), proxy(30), proxy(220)];
