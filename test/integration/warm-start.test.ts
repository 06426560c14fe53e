import { copyFile, readFile, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { AppOverrides } from '../../sidecar/app/index.ts';
import { createChatTraffic, seededText, sendChat } from '../support/app-chat.ts';
import { postJson, readJson } from '../support/http.ts';
import { startServer } from '../support/http-load.ts';
import { freePort } from '../support/process.ts';
import { appConfig, type RunningApp, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';
import { createRecordingLogger } from '../support/stream-harness.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** An engine whose replay buffer soon forgets, and which evicts. */
const forgetfulEngine = (options: Parameters<typeof runEngine>[0] = {}): Promise<RunningEngine> =>
  runEngine({ replayBatches: 4, blocks: 300, ...options });

const start = (
  engines: readonly RunningEngine[],
  warmStart: Readonly<Record<string, unknown>> = {},
  overrides: AppOverrides = {},
): Promise<RunningApp> => runApp(appConfig(engines, { warmStart }), overrides);

/** Sends chats and gives those whose prediction was wrong. */
const wrongTurns = async (app: RunningApp, engines: readonly RunningEngine[], { seed = 1, turns = 12 } = {}) => {
  const traffic = createChatTraffic(seed);
  const wrong: unknown[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const { messages, onAnswer } = traffic.next();
    const answer = await sendChat(app.proxy, { messages });
    if (answer.predicted !== answer.actual) wrong.push(answer);
    onAnswer(answer.text);
    await Promise.all(engines.map((engine) => app.settled(engine)));
  }
  return wrong;
};

/** Has an engine store prompts that came from elsewhere. */
const fill = async (engine: RunningEngine, prompts: number): Promise<void> => {
  for (let prompt = 0; prompt < prompts; prompt += 1) {
    const body = { model: 'tiny', prompt: seededText(100 + prompt, 60), max_tokens: 2 };
    await (await postJson(`http://${engine.at.address}/v1/completions`, body)).text();
  }
};

interface EndpointView {
  readonly name: string;
  readonly trust: string;
  readonly trustReason: string | null;
  readonly blocks: number;
}

const endpointsOf = async ({ admin }: RunningApp): Promise<readonly EndpointView[]> =>
  (await readJson<{ readonly endpoints: readonly EndpointView[] }>(await fetch(`${admin}/api/v1/endpoints`))).endpoints;

const trustsOf = async (app: RunningApp): Promise<readonly string[]> =>
  (await endpointsOf(app)).map(({ trust }) => trust);

interface Condition {
  readonly name: string;
  readonly isMet: boolean;
  readonly detail: string;
}

const warmDetail = async ({ admin }: RunningApp): Promise<string> => {
  const { conditions } = await readJson<{ readonly conditions: readonly Condition[] }>(await fetch(`${admin}/readyz`));
  return conditions.find(({ name }) => name === 'warm-start')?.detail ?? 'no such condition';
};

describe('a sidecar that starts behind full replay buffers', () => {
  it('is degraded without help', async () => {
    await using engine = await forgetfulEngine();
    await using first = await start([engine]);
    expect(await wrongTurns(first, [engine])).toEqual([]);
    await using second = await start([engine]);
    expect(await trustsOf(second)).toEqual(['degraded']);
    expect(await warmDetail(second)).toBe('not configured');
  });

  it('takes on what a peer knows, and predicts exactly from the first request on', async () => {
    await using a = await forgetfulEngine();
    await using b = await forgetfulEngine({ replayAddress: null });
    const engines = [a, b];
    await using first = await start(engines);
    await Promise.all(engines.map((engine) => fill(engine, 8)));
    expect(await wrongTurns(first, engines, { turns: 30 })).toEqual([]);
    await using second = await start(engines, { peers: ['http://127.0.0.1:1', first.admin] });
    // Asked once or twice, as the two endpoints' first replays end together or not.
    expect(await warmDetail(second)).toMatch(/http:\/\/127\.0\.0\.1:1: [12] unreachable; /);
    expect(await warmDetail(second)).toContain(`${first.admin}: 2 adopted`);
    expect(await wrongTurns(second, engines, { seed: 1, turns: 30 })).toEqual([]);
    // Without a replay the next batch shows that none was missed.
    await fill(b, 9);
    await second.settled(b);
    expect(await trustsOf(second)).toEqual(['exact', 'exact']);
    expect((await endpointsOf(second)).map(({ blocks }) => blocks)).toEqual([
      a.engine.blocks(0).length,
      b.engine.blocks(0).length,
    ]);
  });

  it('takes on what a peer knows while chats go on', async () => {
    await using engine = await forgetfulEngine();
    await using first = await start([engine]);
    await wrongTurns(first, [engine]);
    const traffic = wrongTurns(first, [engine], { seed: 2, turns: 40 });
    await using second = await start([engine], { peers: [first.admin] });
    expect(await traffic).toEqual([]);
    await second.settled(engine);
    expect(await trustsOf(second)).toEqual(['exact']);
    expect(await wrongTurns(second, [engine], { seed: 3 })).toEqual([]);
  });

  it('asks nobody where the engines’ replay brings everything', async () => {
    await using engine = await runEngine();
    await using first = await start([engine]);
    await wrongTurns(first, [engine]);
    await using second = await start([engine], { peers: [first.admin] });
    expect(await warmDetail(second)).toBe('1 complete, 0 lacking, 0 away');
  });

  it('is not misled by its own address among the peers', async () => {
    await using engine = await forgetfulEngine();
    await using first = await start([engine]);
    await wrongTurns(first, [engine]);
    const own = `127.0.0.1:${await freePort()}`;
    const peers = [`http://${own}`, first.admin];
    await using second = await runApp(appConfig([engine], { admin: { listen: own }, warmStart: { peers } }));
    expect(await warmDetail(second)).toBe(`1 complete, 0 lacking, 0 away; ${first.admin}: 1 adopted`);
    expect(await trustsOf(second)).toEqual(['exact']);
  });

  it('does not take on what is of a process that has gone since', async () => {
    await using folder = await temporaryFolder({});
    const file = join(folder.path, 'warm');
    await using engine = await forgetfulEngine();
    {
      await using first = await start([engine], { file });
      await wrongTurns(first, [engine], { turns: 20 });
    }
    await engine.engine.restart();
    await using between = await start([engine]);
    await wrongTurns(between, [engine], { turns: 30 });
    await using second = await start([engine], { file });
    expect(await warmDetail(second)).toMatch(`${file}: 1 restarted`);
    expect(await trustsOf(second)).toEqual(['degraded']);
  });
});

describe('readiness of a warm start', () => {
  it('is not held up longer than the time-out by a peer that never answers', async () => {
    await using engine = await forgetfulEngine();
    await using first = await start([engine]);
    await wrongTurns(first, [engine]);
    const silent = await startServer(() => {});
    await using second = await start([engine], { peers: [`http://${silent.address}`], timeoutMs: 1500 });
    silent.close();
    expect(await warmDetail(second)).toMatch(/^given up after 1500 ms: 0 complete, 1 lacking, 0 away/);
    expect(await trustsOf(second)).toEqual(['degraded']);
    expect((await sendChat(second.proxy, { messages: [{ role: 'user', content: 'still here' }] })).text).not.toBe('');
  });
});

describe('the file of a warm start', () => {
  it('is written at a graceful end and makes the next start exact', async () => {
    await using folder = await temporaryFolder({});
    const file = join(folder.path, 'warm');
    await using engine = await forgetfulEngine();
    {
      await using first = await start([engine], { file });
      expect(await wrongTurns(first, [engine])).toEqual([]);
    }
    await using second = await start([engine], { file });
    expect(await warmDetail(second)).toBe(`1 complete, 0 lacking, 0 away; ${file}: 1 adopted`);
    expect(await wrongTurns(second, [engine])).toEqual([]);
    expect(await trustsOf(second)).toEqual(['exact']);
  });

  it('is good enough for a sidecar that was killed after it', async () => {
    await using folder = await temporaryFolder({});
    const file = join(folder.path, 'warm');
    await using engine = await forgetfulEngine();
    await using killed = await start([engine], { file, fileIntervalMs: 100 });
    await wrongTurns(killed, [engine]);
    // The second write from here on began after the chats.
    let writes = 0;
    for await (const { filename } of watch(folder.path)) {
      if (filename === 'warm') writes += 1;
      if (writes === 2) break;
    }
    await copyFile(file, `${file}-left`);
    await using second = await start([engine], { file: `${file}-left` });
    expect(await warmDetail(second)).toMatch(`${file}-left: 1 adopted`);
    expect(await wrongTurns(second, [engine])).toEqual([]);
    expect(await trustsOf(second)).toEqual(['exact']);
  });

  it('is refused with one line when it is damaged', async () => {
    await using folder = await temporaryFolder({});
    const file = join(folder.path, 'warm');
    await using engine = await forgetfulEngine();
    {
      await using first = await start([engine], { file });
      await wrongTurns(first, [engine]);
    }
    const bytes = await readFile(file);
    bytes[bytes.length - 500] = (bytes[bytes.length - 500] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const logger = createRecordingLogger();
    await using second = await start([engine], { file }, { logger });
    expect(await warmDetail(second)).toMatch(`${file}: 1 unusable`);
    expect(await trustsOf(second)).toEqual(['degraded']);
    expect(logger.lines.filter(({ level, fields }) => level === 'warn' && fields['source'] === 'file')).toEqual([
      expect.objectContaining({
        fields: expect.objectContaining({ reason: expect.stringContaining('a checksum is wrong') }),
      }),
    ]);
  });

  it('need not be there', async () => {
    await using folder = await temporaryFolder({});
    await using engine = await forgetfulEngine();
    await fill(engine, 1);
    await using first = await start([engine], { file: join(folder.path, 'none') });
    expect(await warmDetail(first)).toBe('1 complete, 0 lacking, 0 away');
  });
});
