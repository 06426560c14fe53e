import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, pollUntil, startProcess, type TestProcess } from '../../support/process.ts';

/** Folder with the model that both vLLM and the sidecar load. */
export const modelFolder = fileURLToPath(new URL('../../../sidecar/simulator/tiny-qwen', import.meta.url));

/** A running vLLM. */
export interface VllmServer extends AsyncDisposable {
  readonly address: string;
  readonly url: string;
  readonly events: string;
  readonly replay: string;
  readonly process: TestProcess;
}

/** Executable of an installed vLLM, or null where test/real/vllm/install.sh has not put one. */
export const vllmExecutable = (version: string): string | null => {
  const path = `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/vllm-${version}/bin/vllm`;
  return existsSync(path) ? path : null;
};

/** Where a server listens; kept to start another process in place. */
export interface VllmPorts {
  readonly http: number;
  readonly events: number;
  readonly replay: number;
}

/** Three free ports. */
export const freeVllmPorts = async (): Promise<VllmPorts> => ({
  http: await freePort(),
  events: await freePort(),
  replay: await freePort(),
});

/** Starts vLLM on the CPU with KV events, block size 32 and few blocks, and waits until it serves. */
export const startVllm = async (
  executable: string,
  options: { readonly ports?: VllmPorts; readonly blocks?: number; readonly flags?: readonly string[] } = {},
): Promise<VllmServer> => {
  const ports = options.ports ?? (await freeVllmPorts());
  const address = `127.0.0.1:${ports.http}`;
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
    VLLM_ENABLE_V1_MULTIPROCESSING: '0',
  };
  delete env['PYTHONDONTWRITEBYTECODE'];
  const kvEvents = {
    enable_kv_cache_events: true,
    publisher: 'zmq',
    endpoint: `tcp://*:${ports.events}`,
    replay_endpoint: `tcp://*:${ports.replay}`,
    topic: `kv@${address}@tiny`,
  };
  const server = startProcess(
    executable,
    [
      ...['serve', modelFolder, '--served-model-name', 'tiny', '--host', '127.0.0.1', '--port', String(ports.http)],
      ...['--load-format', 'dummy', '--dtype', 'bfloat16', '--enforce-eager', '--distributed-executor-backend', 'uni'],
      ...['--max-model-len', '2048', '--max-num-seqs', '8', '--block-size', '32', '--enable-prompt-tokens-details'],
      ...['--num-gpu-blocks-override', String(options.blocks ?? 200)],
      ...['--kv-events-config', JSON.stringify(kvEvents), ...(options.flags ?? [])],
    ],
    { env, graceMs: 20_000 },
  );
  const url = `http://${address}`;
  try {
    await pollUntil(async () => ((await fetch(`${url}/health`)).ok ? true : undefined), {
      what: `vLLM at ${url}: ${server.errorOutput().slice(-500)}`,
      deadlineMs: 180_000,
      intervalMs: 250,
    });
  } catch (failure) {
    const text = server.errorOutput().slice(-3000);
    await server.stop('SIGKILL');
    throw new Error(`vLLM did not start: ${text}`, { cause: failure });
  }
  return {
    address,
    url,
    events: `tcp://127.0.0.1:${ports.events}`,
    replay: `tcp://127.0.0.1:${ports.replay}`,
    process: server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};
