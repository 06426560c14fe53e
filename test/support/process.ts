import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A child process that ends with the test: SIGTERM, then SIGKILL after `graceMs`. */
export interface TestProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Everything it wrote to standard error so far. */
  errorOutput(): string;
  /** First line of standard output. */
  readonly firstLine: Promise<string>;
  /** Exit code, null where a signal ended it. */
  readonly exited: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a program; its standard error is kept for a failing test to show. */
export const startProcess = (
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly graceMs?: number } = {},
): TestProcess => {
  const child = spawn(command, [...args], {
    env: options.env ?? process.env,
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errorText = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errorText = (errorText + chunk.toString()).slice(-200_000);
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    void exited.then((code) => reject(new Error(`${command} ended with ${code}: ${errorText.slice(-4000)}`)));
  });
  firstLine.catch(() => {});
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.kill(signal);
    const killer = setTimeout(() => child.kill('SIGKILL'), options.graceMs ?? 15_000);
    const code = await exited;
    clearTimeout(killer);
    return code;
  };
  return {
    child,
    errorOutput: () => errorText,
    firstLine,
    exited,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
};

const mainScript = fileURLToPath(new URL('../../sidecar/main.ts', import.meta.url));

/** Starts the sidecar's own command line under the Node that runs the tests. */
export const startWarmroute = (args: readonly string[], env: NodeJS.ProcessEnv = process.env): TestProcess =>
  startProcess(process.execPath, ['--disable-warning=ExperimentalWarning', mainScript, ...args], { env });

/** A port of 127.0.0.1 that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/** Asks again every `intervalMs` until `probe` gives something other than undefined; only for real components. */
export const pollUntil = async <Value>(
  probe: () => Promise<Value | undefined>,
  options: { readonly what: string; readonly deadlineMs: number; readonly intervalMs?: number },
): Promise<Value> => {
  const endMs = performance.now() + options.deadlineMs;
  for (;;) {
    const value = await probe().catch(() => undefined);
    if (value !== undefined) return value;
    if (performance.now() > endMs) throw new Error(`${options.what}: not within ${options.deadlineMs} ms`);
    await sleep(options.intervalMs ?? 50);
  }
};
