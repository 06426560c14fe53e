/**
 * `node test/support/extproc-process.ts LISTEN ENDPOINT…`: an external processor alone in a process, with a router that
 * takes the endpoints in turn. Prints one JSON line with its address when it listens; ends at SIGTERM.
 */

import { silentLogger, silentMetrics, systemClock } from '../../sidecar/core/index.ts';
import { createExtprocGateway } from '../../sidecar/gateway/index.ts';
import type { Router } from '../../sidecar/routing/index.ts';
import { routedTo } from './fake-router.ts';

const [listen = '127.0.0.1:0', ...endpoints] = process.argv.slice(2);
const decisions = endpoints.map(routedTo);
let turn = 0;

const router: Router = {
  route: () => {
    turn += 1;
    const decision = decisions[turn % decisions.length];
    if (decision === undefined) throw new Error('name an endpoint');
    return decision;
  },
};

const gateway = createExtprocGateway({
  listen,
  router,
  isReady: () => true,
  clock: systemClock,
  logger: silentLogger,
  metrics: silentMetrics,
});
const { address } = await gateway.start(new AbortController().signal);
process.stdout.write(`${JSON.stringify({ address })}\n`);
process.once('SIGTERM', () => void gateway.stop(1_000).then(() => process.exit(0)));
