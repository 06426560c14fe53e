import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { checkLine } from '../../sidecar/cli/doctor/check.ts';
import { checkTokenIds } from '../../sidecar/cli/doctor/token-ids-checks.ts';
import { createPromptEncoder, type PromptEncoder } from '../../sidecar/prompt/index.ts';
import { tinyQwenFolder, type VllmVersion } from '../../sidecar/simulator/index.ts';
import { endpoint } from '../support/candidates.ts';
import { runCommandLine } from '../support/command-line.ts';
import { postJson, readJson } from '../support/http.ts';
import { otherTemplate } from '../support/other-template.ts';
import { appConfig, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';
import { json, startScriptedEngine } from '../support/scripted-engine.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Answer {
  readonly choices: readonly { readonly message: unknown }[];
  readonly usage: { readonly prompt_tokens: number };
  readonly prompt_token_ids: readonly number[];
}

const chat = {
  model: 'tiny',
  messages: [{ role: 'user', content: 'Count the words of this sentence. '.repeat(12) }],
  max_tokens: 6,
  return_token_ids: true,
};

const configFor = (engine: RunningEngine, pool: Readonly<Record<string, unknown>>) => {
  const [first] = appConfig([engine]).pools;
  return appConfig([], { pools: [{ ...first, ...pool }] });
};

const ask = async (engine: RunningEngine, pool: Readonly<Record<string, unknown>>): Promise<Answer> => {
  await using app = await runApp(configFor(engine, pool));
  return readJson<Answer>(await postJson(`${app.proxy}/v1/chat/completions`, chat));
};

/** The embedded model's encoder, loaded once. */
let ownEncoder: Promise<PromptEncoder> | null = null;

/** What doctor says of handing ids over to an engine, by the pool's tokenizer and setting. */
const examineAt = async (
  address: string,
  { tokenizer, passes }: { readonly tokenizer?: string; readonly passes: boolean },
): Promise<string> => {
  const patient = { endpoint: endpoint('e', { address }), models: null, dialsIn: false };
  ownEncoder ??= createPromptEncoder({ folder: tinyQwenFolder });
  const encoder = await (tokenizer === undefined ? ownEncoder : createPromptEncoder({ folder: tokenizer }));
  const { signal } = new AbortController();
  return checkLine(await checkTokenIds(patient, { encoder, model: 'tiny', passes, mayProbe: true, signal }));
};

/** The same of an embedded engine of some release. */
const examine = async (options: Parameters<typeof examineAt>[1], version: VllmVersion = '0.32.0'): Promise<string> => {
  await using engine = await runEngine({ version });
  return await examineAt(engine.at.address, options);
};

describe('a pool that hands token ids over', () => {
  it('answers as without', async () => {
    await using engine = await runEngine();
    const plain = await ask(engine, {});
    const handed = await ask(engine, { passTokenIds: true });
    expect(handed.choices[0]?.message).toEqual(plain.choices[0]?.message);
    expect(handed.prompt_token_ids).toEqual(plain.prompt_token_ids);
    expect(handed.usage.prompt_tokens).toBe(plain.usage.prompt_tokens);
  });

  it("has the engine compute the sidecar's ids, only where it is switched on", async () => {
    await using folder = await temporaryFolder({});
    await using engine = await runEngine();
    const tokenizer = await otherTemplate(folder.path);
    const plain = await ask(engine, { tokenizer });
    const handed = await ask(engine, { tokenizer, passTokenIds: true });
    expect(handed.usage.prompt_tokens).toBeGreaterThan(plain.usage.prompt_tokens);
    expect(handed.prompt_token_ids.slice(-plain.prompt_token_ids.length)).toEqual(plain.prompt_token_ids);
  });
});

describe('a completion', () => {
  const completion = { model: 'tiny', prompt: 'Count the words: '.repeat(20), max_tokens: 6, return_token_ids: true };
  const complete = async (engine: RunningEngine, pool: Readonly<Record<string, unknown>>) => {
    await using app = await runApp(configFor(engine, pool));
    return readJson<{ readonly choices: readonly unknown[]; readonly usage: unknown }>(
      await postJson(`${app.proxy}/v1/completions`, completion),
    );
  };

  it('is answered the same where its text is replaced by ids', async () => {
    await using engine = await runEngine();
    const plain = await complete(engine, {});
    const handed = await complete(engine, { passTokenIds: true });
    expect(plain.choices).toHaveLength(1);
    expect(handed.choices).toEqual(plain.choices);
  });

  it('of a scripted engine shows the ids in place of its text', async () => {
    await using engine = await startScriptedEngine(json({ choices: [] }));
    const [first] = appConfig([]).pools;
    const discovery = { static: [{ address: engine.address, events: null }] };
    await using app = await runApp(
      appConfig([], { pools: [{ ...first, name: 'p', tokenizer: tinyQwenFolder, discovery, passTokenIds: true }] }),
    );
    await postJson(`${app.proxy}/v1/completions`, completion);
    const sent = JSON.parse(engine.received.find(({ url }) => url === '/v1/completions')?.body.toString() ?? 'null');
    expect(sent.prompt).toEqual(expect.arrayContaining([expect.any(Number)]));
    expect(sent).toMatchObject({ max_tokens: 6, return_token_ids: true });
  });
});

describe('doctor, of handing token ids over', () => {
  it('proves that answers stay the same, before and after it is switched on', async () => {
    expect(await examine({ passes: false })).toMatch(/^ok .*5 requests are answered the same .*may be switched on/);
    expect(await examine({ passes: true })).toMatch(/^ok .*5 requests are answered the same/);
  });

  it('fails where the ids differ, and says what to do', async () => {
    await using folder = await temporaryFolder({});
    const tokenizer = await otherTemplate(folder.path);
    expect(await examine({ tokenizer, passes: true })).toMatch(/^FAIL .*other ids .* → set .*passTokenIds/);
    expect(await examine({ tokenizer, passes: false })).toMatch(/^warn .*other ids .* → leave .*passTokenIds/);
  });

  it('says of an engine that ignores ids that nothing is spared', async () => {
    expect(await examine({ passes: true }, '0.23.0')).toMatch(/^warn .*ignores ids .*0\.27/);
    expect(await examine({ passes: false }, '0.23.0')).toMatch(/^skip .*ignores ids/);
  });

  it('leaves out what the engine refuses anyway, and fails where it refuses all', async () => {
    await using engine = await runEngine();
    // As vLLM without --enable-auto-tool-choice.
    await using strict = await startScriptedEngine((response, { url, body }) => {
      if (body.includes('"tools"')) return json({ error: {} }, 400)(response);
      void postJson(`http://${engine.at.address}${url}`, JSON.parse(body.toString())).then(async (answer) =>
        json(await answer.json(), answer.status)(response),
      );
    });
    expect(await examineAt(strict.address, { passes: true })).toMatch(/^ok .*4 requests are answered the same/);
    await using deaf = await startScriptedEngine(json({ error: {} }, 400));
    expect(await examineAt(deaf.address, { passes: true })).toMatch(/^FAIL .*no request was answered/);
  });

  it('is one of the checks of a configuration, and sends nothing unless told to', async () => {
    await using folder = await temporaryFolder({});
    await using engine = await runEngine();
    const { pools } = configFor(engine, { passTokenIds: true });
    await writeFile(`${folder.path}/config.json`, JSON.stringify({ pools }));
    const { output } = await runCommandLine('doctor', '--config', `${folder.path}/config.json`);
    expect(output).toMatch(/skip {2}tiny\/e0 {2}token-ids: .*--probe/);
    expect(engine.engine.counters().prefixCacheQueries).toBe(0);
  });
});
