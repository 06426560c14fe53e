import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** POSIX cksum, as install.sh names the virtual environment by. */
const cksum = (bytes: Uint8Array): number => {
  let crc = 0;
  const feed = (byte: number): void => {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  };
  for (const byte of bytes) feed(byte);
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) feed(length & 255);
  return ~crc >>> 0;
};

/** The Python that has the packages of requirements.txt; null where install.sh has not been run. */
export const promptPython = (): string | null => {
  const cache = process.env['WARMROUTE_REAL_CACHE'] ?? fileURLToPath(new URL('../../../.cache/real', import.meta.url));
  const venv = `${cache}/prompt-${cksum(readFileSync(`${here}requirements.txt`))}`;
  return existsSync(`${venv}/.complete`) ? `${venv}/bin/python` : null;
};

/** A Python program that answers each line of JSON with a line of JSON. */
export interface LineProgram extends AsyncDisposable {
  ask(question: unknown): Promise<unknown>;
}

/** Starts a script of this folder. */
export const startPython = (python: string, script: string, args: readonly string[]): LineProgram => {
  const child = spawn(python, [`${here}${script}`, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, RAYON_NUM_THREADS: '1' },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${script} ended without an answer`);
      return JSON.parse(value);
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
};
