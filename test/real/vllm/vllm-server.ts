import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort, pollUntil, startProcess } from '../../support/process.ts';

/** Folder with the model that both vLLM and the sidecar load. */
export const modelFolder = fileURLToPath(new URL('../../../sidecar/simulator/tiny-qwen', import.meta.url));

/** One vLLM at one address; its process may be killed and started again. Disposing ends the process. */
export interface VllmServer extends AsyncDisposable {
  readonly address: string;
  readonly url: string;
  readonly events: string;
  readonly replay: string;
  /** Ends all its processes at once, as the end of a container does: engine cores outlive their API server otherwise. */
  kill(): Promise<void>;
  /** Starts another process in place and waits until it serves. */
  startAgain(): Promise<void>;
}

/** Executable of an installed vLLM, or null where test/real/vllm/install.sh has not put one. */
export const vllmExecutable = (version: string): string | null => {
  const path = `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/vllm-${version}/bin/vllm`;
  return existsSync(path) ? path : null;
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** `count` free ports in a row, so that each rank's port, counted on from the first, is free too. */
const freePorts = async (count: number): Promise<number> => {
  for (;;) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, offset) => first + 1 + offset);
    if ((await Promise.all(others.map(isFree))).every(Boolean)) return first;
  }
};

/** Parent of each process, as `/proc` tells it; a process that ends meanwhile is left out. */
const parents = (): ReadonlyMap<number, number> => {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      // `pid (command) state parent …`, where the command may hold anything.
      const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      found.set(Number(name), Number(parent));
    } catch {}
  }
  return found;
};

/** A process and all that descend from it. */
const processTree = (root: number): readonly number[] => {
  const tree = [root];
  const all = [...parents()];
  for (const parent of tree) tree.push(...all.filter(([, of]) => of === parent).map(([pid]) => pid));
  return tree;
};

/** Runs one process of vLLM until it serves. */
const run = async (executable: string, args: readonly string[], env: NodeJS.ProcessEnv, url: string) => {
  const server = startProcess(executable, args, { env, graceMs: 20_000 });
  try {
    await pollUntil(
      async () => {
        if (server.child.exitCode !== null) return false;
        return (await fetch(`${url}/health`)).ok ? true : undefined;
      },
      { what: `vLLM at ${url}`, deadlineMs: 420_000, intervalMs: 250 },
    ).then((isUp) => {
      if (!isUp) throw new Error(`vLLM ended with ${server.child.exitCode}`);
    });
  } catch (failure) {
    const text = server.errorOutput().slice(-3000);
    await server.stop();
    throw new Error(`vLLM did not start: ${text}`, { cause: failure });
  }
  return server;
};

/**
 * Starts vLLM on the CPU with KV events, block size 32 and few blocks, and waits until it serves. More than one data-parallel
 * rank is one engine process a rank, each with its own cache, behind one address.
 */
export const startVllm = async (
  executable: string,
  { dataParallelSize = 1 }: { readonly dataParallelSize?: number } = {},
): Promise<VllmServer> => {
  const [http, events, replay] = [
    await freePort(),
    await freePorts(dataParallelSize),
    await freePorts(dataParallelSize),
  ];
  const address = `127.0.0.1:${http}`;
  const url = `http://${address}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
    VLLM_NO_USAGE_STATS: '1',
    DO_NOT_TRACK: '1',
    VLLM_CPU_KVCACHE_SPACE: '1',
    VLLM_CPU_OMP_THREADS_BIND: 'nobind',
    OMP_NUM_THREADS: '1',
    VLLM_SERVER_DEV_MODE: '1',
    // Lets each engine core be its own worker: one start of Python less a rank.
    VLLM_ENABLE_V1_MULTIPROCESSING: '0',
  };
  delete env['PYTHONDONTWRITEBYTECODE'];
  const kvEvents = {
    enable_kv_cache_events: true,
    publisher: 'zmq',
    endpoint: `tcp://*:${events}`,
    replay_endpoint: `tcp://*:${replay}`,
    topic: `kv@${address}@tiny`,
  };
  const args = [
    ...['serve', modelFolder, '--served-model-name', 'tiny', '--host', '127.0.0.1', '--port', String(http)],
    ...['--load-format', 'dummy', '--dtype', 'bfloat16', '--enforce-eager', '--max-model-len', '2048'],
    ...['--max-num-seqs', '8', '--block-size', '32', '--num-gpu-blocks-override', '200'],
    ...['--enable-prompt-tokens-details', '--kv-events-config', JSON.stringify(kvEvents)],
    ...['--distributed-executor-backend', 'uni', '--api-server-count', '1'],
    ...['--data-parallel-size', String(dataParallelSize)],
  ];
  let server = await run(executable, args, env, url);
  return {
    address,
    url,
    events: `tcp://127.0.0.1:${events}`,
    replay: `tcp://127.0.0.1:${replay}`,
    kill: async () => {
      for (const pid of processTree(server.child.pid ?? 0)) process.kill(pid, 'SIGKILL');
      await server.exited;
    },
    startAgain: async () => {
      server = await run(executable, args, env, url);
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
    },
  };
};
