import { createConsultGateway } from '../../../sidecar/gateway/index.ts';
import { routedTo } from '../../support/fake-router.ts';
import { createLoadClient, startServer } from '../../support/http-load.ts';
import { quietGatewayOptions } from '../../support/started-gateway.ts';
import type { Benchmark } from '../harness.ts';

const concurrency = 16;

const consult = (kilobytes: number): Benchmark => ({
  name: `consult: edge alone, ${kilobytes} KB bodies, client in the same process`,
  unit: 'request',
  unitsPerCall: concurrency,
  setup: async () => {
    const decision = routedTo('10.0.0.7:8000');
    const router = { route: () => decision };
    const client = createLoadClient({ body: Buffer.alloc(kilobytes * 1000, 'x'), concurrency });
    const floor = await startServer((request, response) => {
      request.resume();
      request.on('end', () => response.end());
    });
    const gateway = createConsultGateway({ ...quietGatewayOptions, router });
    const { address } = await gateway.start(new AbortController().signal);
    return {
      baseline: 'server that only reads',
      bodies: [
        { name: 'server that only reads', run: () => client.burst(floor.address) },
        { name: 'consult', run: () => client.burst(address) },
      ],
      dispose: async () => {
        client.close();
        floor.close();
        await gateway.stop(0);
      },
    };
  },
});

/** What the consult edge costs besides routing. */
export const benchmarks: readonly Benchmark[] = [consult(8)];
