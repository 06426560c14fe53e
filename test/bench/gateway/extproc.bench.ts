import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { startProcess, type TestProcess } from '../../support/process.ts';
import type { Benchmark, BenchmarkBody } from '../harness.ts';
import { createExchangeClient } from './extproc/exchange-client.ts';

/** Exchanges of one lane a call. */
const exchangesPerLane = 8;
const conversations = 24;
const turns = 6;

const serverScript = fileURLToPath(new URL('extproc/server.ts', import.meta.url));

const words = readFileSync(new URL('../../../docs/ARCHITECTURE.md', import.meta.url), 'utf8').split(/\s+/);

/** Chats of which each grows turn by turn around `bytes`, as the same client sends them: earlier messages unchanged. */
const growingChats = (bytes: number): readonly (readonly Buffer[])[] => {
  const random = seededRandom(7);
  const text = (length: number): string => {
    let made = '';
    while (made.length < length) made += `${words[Math.floor(random() * words.length)]} `;
    return made.slice(0, length);
  };
  return Array.from({ length: conversations }, () => {
    const messages = [
      { role: 'system', content: text(bytes * 0.6) },
      { role: 'user', content: text(bytes * 0.1) },
    ];
    return Array.from({ length: turns }, () => {
      messages.push({ role: 'assistant', content: text(bytes * 0.05) }, { role: 'user', content: text(bytes * 0.05) });
      return Buffer.from(JSON.stringify({ model: 'qwen', messages }));
    });
  });
};

/** CPU seconds of a process's threads by Linux's /proc; NaN elsewhere. */
const readCpuSeconds = (pid: number): number => {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9)
      .reduce((sum, seconds) => sum + seconds, 0);
  } catch {
    return Number.NaN;
  }
};

/** Memory of a process by Linux's /proc; NaN elsewhere. */
const readMemory = (pid: number): { readonly residentMegabytes: number; readonly peakMegabytes: number } => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { residentMegabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') };
  } catch {
    return { residentMegabytes: Number.NaN, peakMegabytes: Number.NaN };
  }
};

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

interface Server {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
}

/** Exchanges before anything is measured, so that V8 has compiled what runs often, by size of the prompts. */
const warmUpExchanges: Readonly<Record<number, number>> = { 1: 12_000, 30: 3000, 220: 600 };

const warmUp = async (address: string, chats: readonly (readonly Buffer[])[], exchanges: number): Promise<void> => {
  const client = createExchangeClient(address);
  const bodies = chats.flat();
  let made = 0;
  const lane = async (): Promise<void> => {
    while (made < exchanges) {
      const body = bodies[made % bodies.length] ?? Buffer.alloc(0);
      made += 1;
      await client.exchange(body);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  client.close();
};

/** One body: `lanes` exchanges at once, `exchangesPerLane` after each other. */
const bodyOf = (server: Server, chats: readonly (readonly Buffer[])[], lanes: number): BenchmarkBody => {
  const client = createExchangeClient(server.address);
  const latencies: number[] = [];
  let exchanges = 0;
  let turn = 0;
  let cpuSeconds = 0;
  const lane = async (): Promise<void> => {
    for (let count = 0; count < exchangesPerLane; count += 1) {
      turn += 1;
      const chat = chats[turn % chats.length] ?? [];
      const body = chat[Math.floor(turn / chats.length) % chat.length] ?? Buffer.alloc(0);
      latencies.push((await client.exchange(body)).decisionMs);
      exchanges += 1;
    }
  };
  return {
    name: server.name,
    // What a process does while others are measured is not counted.
    run: async () => {
      const before = readCpuSeconds(server.pid);
      await Promise.all(Array.from({ length: lanes }, lane));
      cpuSeconds += readCpuSeconds(server.pid) - before;
    },
    figures: () => {
      client.close();
      return {
        cpuSecondsPer1000: (cpuSeconds * 1000) / exchanges,
        decisionP50Ms: quantile(latencies, 0.5),
        decisionP99Ms: quantile(latencies, 0.99),
        ...readMemory(server.pid),
      };
    },
  };
};

const bodyNames = {
  'grpc-js-echo': 'echo floor on @grpc/grpc-js',
  echo: 'echo floor on node:http2',
  edge: 'gateway, free decisions',
  sidecar: 'whole sidecar',
} as const;

/** Starts a processor; what is this project's with the flags and the environment of its image. */
const startServer = (kind: string): TestProcess => {
  const isForeign = kind === 'grpc-js-echo';
  const flags = ['--disable-warning=ExperimentalWarning', ...(isForeign ? [] : ['--max-semi-space-size=8'])];
  const memory = isForeign ? {} : { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' };
  return startProcess(process.execPath, [...flags, serverScript, kind], { env: { ...process.env, ...memory } });
};

const extproc = (options: { readonly kilobytes: number; readonly lanes: number }): Benchmark => ({
  name: `extproc: ${options.kilobytes} KB growing chats, concurrency ${options.lanes}, response phase included`,
  unit: 'decision',
  unitsPerCall: options.lanes * exchangesPerLane,
  isHeavy: options.kilobytes !== 30 || options.lanes !== 16,
  setup: async ({ isSmoke }) => {
    const chats = growingChats(options.kilobytes * 1000);
    const processes: TestProcess[] = [];
    const servers: Server[] = [];
    for (const [kind, name] of Object.entries(bodyNames)) {
      const server = startServer(kind);
      processes.push(server);
      const { address }: { readonly address: string } = JSON.parse(await server.firstLine);
      servers.push({ name, address, pid: server.child.pid ?? 0 });
    }
    // Another endpoint picker at hand: its address, and its process for CPU and memory.
    const { WARMROUTE_BENCH_EPP: other, WARMROUTE_BENCH_EPP_PID: pid } = process.env;
    if (other !== undefined) servers.push({ name: 'other endpoint picker', address: other, pid: Number(pid ?? 0) });
    for (const { address } of isSmoke ? [] : servers) {
      await warmUp(address, chats, warmUpExchanges[options.kilobytes] ?? 0);
    }
    return {
      baseline: bodyNames['grpc-js-echo'],
      bodies: servers.map((server) => bodyOf(server, chats, options.lanes)),
      dispose: async () => {
        await Promise.all(processes.map((server) => server.stop('SIGKILL')));
      },
    };
  },
});

/** What a decision through ext_proc costs, beside processors that decide nothing. */
export const benchmarks: readonly Benchmark[] = [1, 30, 220].flatMap((kilobytes) =>
  [1, 16, 64].map((lanes) => extproc({ kilobytes, lanes })),
);
