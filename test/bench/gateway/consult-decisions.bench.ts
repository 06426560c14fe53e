/** Whole decisions over HTTP: growing chats against a large fleet whose events come in meanwhile. One thread serves. */

import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { Worker } from 'node:worker_threads';
import { silentMetrics, systemClock } from '../../../sidecar/core/index.ts';
import { createTurnQueue } from '../../../sidecar/events/index.ts';
import { createConsultGateway } from '../../../sidecar/gateway/index.ts';
import { startServer } from '../../support/http-load.ts';
import { quietGatewayOptions } from '../../support/started-gateway.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { chatAt, chatEvent, removalOf } from '../kvindex/workload.ts';
import { createFleet, type Fleet } from '../routing/fleet.ts';
import type { ChatClientsAnswer, ChatClientsData, ChatClientsOrder } from './chat-clients.ts';

const requestsPerCall = 1000;
const concurrency = 16;
const warmCalls = 6;
const tickMs = 1;
const scrapeMs = 1000;
/** Blocks of one event: what an engine stores in a step. */
const eventBlocks = 64;

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

interface HttpExchange {
  readonly request: IncomingMessage;
}

/** Milliseconds from the end of each request's body, as node:http tells it, to the end of its answer, over all servers. */
const watchAnswers = (): { readonly tookMs: number[]; stop(): void } => {
  const tookMs: number[] = [];
  const readAtMs = new WeakMap<IncomingMessage, number>();
  const onStart = (message: unknown): void => {
    const { request } = message as HttpExchange; // documented in node:diagnostics_channel
    request.once('end', () => readAtMs.set(request, performance.now()));
  };
  const onFinish = (message: unknown): void => {
    const { request } = message as HttpExchange; // as above
    tookMs.push(performance.now() - (readAtMs.get(request) ?? Number.NaN));
  };
  channel('http.server.request.start').subscribe(onStart);
  channel('http.server.response.finish').subscribe(onFinish);
  return {
    tookMs,
    stop: () => {
      channel('http.server.request.start').unsubscribe(onStart);
      channel('http.server.response.finish').unsubscribe(onFinish);
    },
  };
};

/** Jobs that store chats in an index, event by event, and take them out again; each with the blocks that it moves. */
const eventJobs = ({ index, holders }: Fleet): readonly { readonly blocks: number; readonly job: () => void }[] =>
  Array.from({ length: 300 }, (_, number) => chatAt(5_000_000 + number, holders.length)).flatMap((chat) => {
    const holder = holders[chat.endpoints[0] ?? 0];
    if (holder === undefined) throw new RangeError('no such endpoint');
    const jobs = [];
    for (let from = 0; from < chat.blocks; from += eventBlocks) {
      const event = chatEvent(chat, from, Math.min(eventBlocks, chat.blocks - from));
      jobs.push({ blocks: event.engineKeys.length / 2, job: () => void index.store(holder, event) });
    }
    const { engineKeys, ...removal } = removalOf(chat);
    for (let end = engineKeys.length; end > 0; end -= 2 * eventBlocks) {
      const event = { ...removal, engineKeys: engineKeys.slice(Math.max(0, end - 2 * eventBlocks), end) };
      jobs.push({ blocks: event.engineKeys.length / 2, job: () => void index.remove(holder, event) });
    }
    return jobs;
  });

/** Applies events of so many blocks a second, in slices of turns as streams do. */
const applyEvents = (fleet: Fleet, blocksPerSecond: number): (() => void) => {
  const jobs = eventJobs(fleet);
  const turns = createTurnQueue({ clock: systemClock, metrics: silentMetrics });
  let next = 0;
  let owedBlocks = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    owedBlocks += ((nowMs - lastMs) / 1000) * blocksPerSecond;
    lastMs = nowMs;
    while (owedBlocks > 0) {
      const { blocks, job } = jobs[next] ?? { blocks: eventBlocks, job: () => {} };
      next = (next + 1) % jobs.length;
      owedBlocks -= blocks;
      void turns.run(job);
    }
  }, tickMs);
  return () => clearInterval(timer);
};

/** A worker's clients; what they say engines stored is stored. */
const startClients = async (fleet: Fleet) => {
  const workerData: ChatClientsData = { concurrency, conversations: 300 };
  const worker = new Worker(new URL('./chat-clients.ts', import.meta.url), { workerData });
  let onDone = (): void => {};
  let storedBlocks = 0;
  const done = (): Promise<void> =>
    new Promise((resolve) => {
      onDone = resolve;
    });
  worker.on('message', (answer: ChatClientsAnswer) => {
    if (answer.kind === 'done') return onDone();
    fleet.store(answer);
    storedBlocks += answer.engineKeys.length / 2;
  });
  await done();
  const order = (what: ChatClientsOrder): Promise<void> => {
    worker.postMessage(what);
    return done();
  };
  return { order, storedBlocks: () => storedBlocks, stop: () => worker.terminate() };
};

type Clients = Awaited<ReturnType<typeof startClients>>;

/**
 * Sends a call's requests to one server. Processor time is that of this thread while they are answered, in every other
 * call; in those between, answers are watched, which costs this thread time of its own.
 */
const serving = (options: {
  readonly name: string;
  readonly clients: Clients;
  readonly address: string;
  readonly isDecided: boolean;
}): BenchmarkBody & { run(): Promise<void>; reset(): void } => {
  const { name, clients, address, isDecided } = options;
  const answersMs: number[] = [];
  let calls = 0;
  let cpuUs = 0;
  let countedRequests = 0;
  let countedBlocks = 0;
  const send = () => clients.order({ kind: 'send', address, isDecided });
  const countTime = async (): Promise<void> => {
    const blocksBefore = clients.storedBlocks();
    const before = process.threadCpuUsage();
    await send();
    const { user, system } = process.threadCpuUsage(before);
    cpuUs += user + system;
    countedRequests += requestsPerCall;
    countedBlocks += clients.storedBlocks() - blocksBefore;
  };
  const watch = async (): Promise<void> => {
    const answers = watchAnswers();
    await send();
    answers.stop();
    answersMs.push(...answers.tookMs);
  };
  return {
    name,
    run: async () => {
      if (isDecided) await clients.order({ kind: 'prepare', requests: requestsPerCall });
      await (calls % 2 === 0 ? countTime : watch)();
      calls += 1;
    },
    // The first calls warm up.
    reset: () => {
      if (calls !== warmCalls) return;
      cpuUs = 0;
      countedRequests = 0;
      countedBlocks = 0;
      answersMs.length = 0;
    },
    figures: () => ({
      'requests a CPU second of the serving thread': (countedRequests * 1e6) / cpuUs,
      'CPU µs a request': cpuUs / countedRequests,
      'blocks stored a request for the chats themselves': countedBlocks / countedRequests,
      'p50 ms from body to answer': quantile(answersMs, 0.5),
      'p99 ms from body to answer': quantile(answersMs, 0.99),
    }),
  };
};

const consulting = (options: { readonly eventsPerSecond: number }): Benchmark => ({
  name: `consult: 28 KB chats, 64 endpoints, 2 M blocks, ${options.eventsPerSecond} blocks/s of events, client on another core`,
  unit: 'request',
  unitsPerCall: requestsPerCall,
  isHeavy: true,
  setup: async () => {
    const fleet = await createFleet({ endpoints: 64, blocks: 2_000_000 });
    const gateway = createConsultGateway({ ...quietGatewayOptions, metrics: fleet.metrics, router: fleet.director });
    const { address } = await gateway.start(new AbortController().signal);
    const floor = await startServer((request, response) => {
      request.resume();
      request.on('end', () => response.end());
    });
    const clients = await startClients(fleet);
    const scrapes = setInterval(() => fleet.scrape(), scrapeMs);
    const stopEvents = applyEvents(fleet, options.eventsPerSecond);
    const consult = serving({ name: 'consult', clients, address, isDecided: true });
    const onlyRead = serving({
      name: 'server that only reads',
      clients,
      address: floor.address,
      isDecided: false,
    });
    for (let call = 0; call < warmCalls; call += 1) {
      await consult.run();
      await onlyRead.run();
    }
    return {
      baseline: onlyRead.name,
      bodies: [onlyRead, consult],
      dispose: async () => {
        clearInterval(scrapes);
        stopEvents();
        await clients.stop();
        floor.close();
        await gateway.stop(0);
      },
    };
  },
});

export const benchmarks: readonly Benchmark[] = [
  consulting({ eventsPerSecond: 0 }),
  consulting({ eventsPerSecond: 50_000 }),
];
