import { describe, expect, it } from '@jest/globals';
import { tinyQwenFolder } from '../../sidecar/simulator/index.ts';
import { postJson } from '../support/http.ts';
import { pollUntil, startWarmroute, type TestProcess } from '../support/process.ts';
import { type RunningEngine, runEngine } from '../support/running-app.ts';
import { startSteadyLoad } from '../support/steady-load.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** An engine that takes a while for each token. */
const slow = { timeScale: 1, stepTimes: { stepBaseMs: 10 } };

const configOf = (engine: RunningEngine, drainMs: number): string =>
  JSON.stringify({
    pools: [
      {
        name: 'tiny',
        tokenizer: tinyQwenFolder,
        discovery: { static: [{ address: engine.at.address, events: engine.at.eventsAddress }] },
      },
    ],
    gateways: { proxy: { listen: '127.0.0.1:0' } },
    admin: { listen: '127.0.0.1:0' },
    drainMs,
  });

interface Serving extends AsyncDisposable {
  readonly process: TestProcess;
  readonly proxy: string;
  readonly admin: string;
}

const isReady = async (admin: string): Promise<boolean> => (await fetch(`${admin}/readyz`)).ok;

/** The serve command as a process of its own, ready. */
const serve = async (engine: RunningEngine, options: { readonly drainMs: number }): Promise<Serving> => {
  const folder = await temporaryFolder({ 'config.yaml': configOf(engine, options.drainMs) });
  const process = startWarmroute(['serve', '--config', `${folder.path}/config.yaml`]);
  const { listening } = JSON.parse(await process.firstLine);
  const admin = `http://${listening.admin}`;
  await pollUntil(async () => ((await isReady(admin)) ? true : undefined), { what: 'ready', deadlineMs: 20_000 });
  return {
    process,
    proxy: `http://${listening.proxy}`,
    admin,
    [Symbol.asyncDispose]: async () => {
      await process[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
};

const chat = (content: string, changes: Readonly<Record<string, unknown>> = {}) => ({
  model: 'tiny',
  messages: [{ role: 'user', content }],
  ...changes,
});

/** Begins a streamed answer of so many tokens; resolves when its first bytes are there. */
const beginStream = async (proxy: string, tokens: number) => {
  const changes = { stream: true, max_tokens: tokens, min_tokens: tokens, ignore_eos: true };
  const response = await postJson(`${proxy}/v1/chat/completions`, chat('tell me', changes));
  const reader = response.body?.getReader();
  const first = await reader?.read();
  const rest = async (): Promise<string> => {
    let text = Buffer.from(first?.value ?? []).toString();
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) return text;
      text += Buffer.from(next.value).toString();
    }
  };
  return { rest };
};

describe('the sidecar at SIGTERM', () => {
  it('is not ready at once, finishes its streams, and exits 0', async () => {
    await using engine = await runEngine(slow);
    await using sidecar = await serve(engine, { drainMs: 10_000 });
    const stream = await beginStream(sidecar.proxy, 100);
    sidecar.process.child.kill('SIGTERM');
    const readiness = await pollUntil(
      async () => {
        const response = await fetch(`${sidecar.admin}/readyz`);
        return response.ok ? undefined : await response.text();
      },
      { what: 'no longer ready', deadlineMs: 1000, intervalMs: 5 },
    );
    expect(readiness).toContain('draining');
    expect((await fetch(`${sidecar.admin}/healthz`)).status).toBe(200);
    await expect(fetch(`${sidecar.proxy}/v1/models`)).rejects.toThrow();
    expect(await stream.rest()).toContain('data: [DONE]');
    expect(await sidecar.process.exited).toBe(0);
  });

  it('answers every request that was under way', async () => {
    await using engine = await runEngine(slow);
    await using sidecar = await serve(engine, { drainMs: 10_000 });
    const sent = Array.from({ length: 40 }, (_, index) =>
      postJson(`${sidecar.proxy}/v1/chat/completions`, chat(`number ${index}`, { max_tokens: 40 })),
    );
    await pollUntil(async () => (engine.engine.counters().runningRequests === 40 ? true : undefined), {
      what: 'all requests at the engine',
      deadlineMs: 5000,
      intervalMs: 5,
    });
    sidecar.process.child.kill('SIGTERM');
    const statuses = await Promise.all(sent.map(async (answer) => (await answer).status));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(await sidecar.process.exited).toBe(0);
  });

  it('cuts what is longer than the drain time and still exits 0', async () => {
    await using engine = await runEngine(slow);
    await using sidecar = await serve(engine, { drainMs: 300 });
    const stream = await beginStream(sidecar.proxy, 2000);
    const startMs = performance.now();
    sidecar.process.child.kill('SIGTERM');
    await expect(stream.rest()).rejects.toThrow();
    expect(await sidecar.process.exited).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(3000);
  });

  it('ends at once at the second signal', async () => {
    await using engine = await runEngine(slow);
    await using sidecar = await serve(engine, { drainMs: 10_000 });
    const stream = await beginStream(sidecar.proxy, 2000);
    const cut = expect(stream.rest()).rejects.toThrow();
    sidecar.process.child.kill('SIGTERM');
    await pollUntil(async () => ((await isReady(sidecar.admin)) ? undefined : true), {
      what: 'no longer ready',
      deadlineMs: 1000,
      intervalMs: 5,
    });
    sidecar.process.child.kill('SIGTERM');
    expect(await sidecar.process.exited).toBe(143);
    await cut;
  });
});

describe('a rolling update of the sidecar', () => {
  it('loses no request under load', async () => {
    await using engine = await runEngine();
    let current = await serve(engine, { drainMs: 10_000 });
    await using load = startSteadyLoad({
      target: () => current.proxy,
      bodyOf: (index) => JSON.stringify(chat(`question ${index % 20}`, { max_tokens: 2 })),
      requestsPerSecond: 100,
    });
    for (let round = 0; round < 2; round += 1) {
      const old = current;
      current = await serve(engine, { drainMs: 10_000 });
      old.process.child.kill('SIGTERM');
      expect(await old.process.exited).toBe(0);
      await old[Symbol.asyncDispose]();
    }
    const outcomes = await load.stop();
    await current[Symbol.asyncDispose]();
    expect(outcomes.length).toBeGreaterThan(50);
    expect(outcomes.filter(({ status }) => status !== 200)).toEqual([]);
  });
});
