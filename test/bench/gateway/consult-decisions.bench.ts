/** Whole decisions over HTTP: growing chats against a large fleet whose events come in meanwhile. One thread serves. */

import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { createConsultGateway } from '../../../sidecar/gateway/index.ts';
import type { Router } from '../../../sidecar/routing/index.ts';
import { quietGatewayOptions } from '../../support/started-gateway.ts';
import type { Benchmark } from '../harness.ts';
import { chatAt, chatEvent, removalOf } from '../kvindex/workload.ts';
import { createFleet, type Fleet } from '../routing/fleet.ts';
import type { ChatClientsData, StoredBlocks } from './chat-clients.ts';

const requestsPerCall = 1000;
const concurrency = 16;
const tickMs = 2;

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

/** Times each decision, from the moment at which the body is read. */
const timed = (router: Router, takenMs: number[]): Router => ({
  route: (request) => {
    const startMs = performance.now();
    const decision = router.route(request);
    const done = (): void => void takenMs.push(performance.now() - startMs);
    if (decision instanceof Promise) decision.then(done, done);
    else done();
    return decision;
  },
});

/** Chats that engines store and let go of again, so many blocks a second, applied every other millisecond. */
const applyEvents = ({ index, holders }: Fleet, blocksPerSecond: number): (() => void) => {
  let number = 5_000_000;
  let owedBlocks = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    owedBlocks += ((nowMs - lastMs) / 1000) * blocksPerSecond;
    lastMs = nowMs;
    while (owedBlocks > 0) {
      const chat = chatAt(number, holders.length);
      number += 1;
      for (const endpoint of chat.endpoints) {
        const holder = holders[endpoint];
        if (holder === undefined) continue;
        for (let from = 0; from < chat.blocks; from += 64) {
          index.store(holder, chatEvent(chat, from, Math.min(64, chat.blocks - from)));
        }
        index.remove(holder, removalOf(chat));
        owedBlocks -= 2 * chat.blocks;
      }
    }
  }, tickMs);
  return () => clearInterval(timer);
};

const consulting = (options: { readonly eventsPerSecond: number }): Benchmark => ({
  name: `consult: 28 KB chats, 64 endpoints, 2 M blocks, ${options.eventsPerSecond} blocks/s of events, client on another core`,
  unit: 'decision',
  unitsPerCall: requestsPerCall,
  isHeavy: true,
  setup: async () => {
    const fleet = await createFleet({ endpoints: 64, blocks: 2_000_000 });
    const takenMs: number[] = [];
    const router = timed(fleet.director, takenMs);
    const gateway = createConsultGateway({ ...quietGatewayOptions, metrics: fleet.metrics, router });
    const { address } = await gateway.start(new AbortController().signal);
    const workerData: ChatClientsData = { address, concurrency, conversations: 300 };
    const worker = new Worker(new URL('./chat-clients.ts', import.meta.url), { workerData });
    worker.setMaxListeners(0);
    await once(worker, 'message');
    worker.on('message', (message: StoredBlocks | string) => {
      if (typeof message !== 'string') fleet.store(message);
    });
    const stopEvents = applyEvents(fleet, options.eventsPerSecond);
    let cpuUs = 0;
    let decisions = 0;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const run = async (): Promise<void> => {
      delay.enable();
      const before = process.threadCpuUsage();
      worker.postMessage(requestsPerCall);
      for (;;) {
        const [message] = await once(worker, 'message');
        if (message === 'done') break;
      }
      const { user, system } = process.threadCpuUsage(before);
      delay.disable();
      cpuUs += user + system;
      decisions += requestsPerCall;
    };
    for (let warm = 0; warm < 8; warm += 1) await run();
    takenMs.length = 0;
    cpuUs = 0;
    decisions = 0;
    delay.reset();
    return {
      baseline: 'consult',
      bodies: [
        {
          name: 'consult',
          run,
          figures: () => ({
            'decisions a CPU second of the serving thread': (decisions * 1e6) / cpuUs,
            'CPU µs a decision, events and HTTP included': cpuUs / decisions,
            'p50 ms after the body is read': quantile(takenMs, 0.5),
            'p99 ms after the body is read': quantile(takenMs, 0.99),
            'event loop p99 ms': delay.percentile(99) / 1e6,
          }),
        },
      ],
      dispose: async () => {
        stopEvents();
        await worker.terminate();
        await gateway.stop(0);
      },
    };
  },
});

export const benchmarks: readonly Benchmark[] = [
  consulting({ eventsPerSecond: 0 }),
  consulting({ eventsPerSecond: 50_000 }),
];
