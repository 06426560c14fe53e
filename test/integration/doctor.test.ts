import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { type CommandOutcome, runCommandLine } from '../support/command-line.ts';
import { startServer } from '../support/http-load.ts';
import { freePort } from '../support/process.ts';
import { appConfig, type RunningEngine, runApp, runEngine } from '../support/running-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface ShownCheck {
  readonly name: string;
  readonly subject: string;
  readonly status: string;
  readonly detail: string;
  readonly mend: string | null;
}

interface Document {
  readonly ok: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly checks: readonly ShownCheck[];
}

const documentOf = ({ output }: CommandOutcome): Document => {
  const document: Document = JSON.parse(output);
  return document;
};

/** Checks by how they came out, `subject name`. */
const named = (document: Document, status: string): readonly string[] =>
  document.checks.filter((check) => check.status === status).map(({ subject, name }) => `${subject} ${name}`);

const configFile = async (folder: string, config: unknown): Promise<string> => {
  const path = `${folder}/config.json`;
  await writeFile(path, JSON.stringify(config));
  return path;
};

/** A configuration in front of engines as an operator writes it, on ports known before the start. */
const configFor = async (engines: readonly RunningEngine[], pool: Readonly<Record<string, unknown>> = {}) => {
  const { pools, ...rest } = appConfig(engines);
  const [first] = pools;
  const listen = async () => ({ listen: `127.0.0.1:${await freePort()}` });
  return {
    ...rest,
    pools: [{ ...first, ...pool }],
    gateways: { proxy: await listen(), consult: await listen() },
    admin: await listen(),
  };
};

describe('doctor', () => {
  it('proves each hop of a running sidecar', async () => {
    await using folder = await temporaryFolder({});
    await using first = await runEngine();
    await using second = await runEngine();
    const written = await configFor([first, second], { models: ['tiny'] });
    const path = await configFile(folder.path, written);
    await using app = await runApp(appConfig([], written));
    const outcome = await runCommandLine('doctor', '--config', path, '--probe', '--json');
    const document = documentOf(outcome);
    // Nothing went through the sidecar yet, so there is nothing to audit.
    expect(document.checks.filter(({ status }) => status !== 'passed')).toEqual([
      expect.objectContaining({ subject: 'tiny/e0', name: 'audit', status: 'skipped' }),
      expect.objectContaining({ subject: 'tiny/e1', name: 'audit', status: 'skipped' }),
    ]);
    expect(outcome.exitCode).toBe(0);
    expect(document).toMatchObject({ ok: true, counts: { failed: 0, warning: 0 } });
    for (const name of [
      ...['engine-reachable', 'engine-version', 'clock', 'model-name', 'metrics', 'prefix-caching', 'block-size'],
      ...['tokenizer-agrees', 'replay-answering', 'events-connected', 'events-flowing', 'cached-tokens', 'trust'],
    ]) {
      expect(named(document, 'passed')).toEqual(expect.arrayContaining([`tiny/e0 ${name}`, `tiny/e1 ${name}`]));
    }
    expect(named(document, 'passed')).toEqual(
      expect.arrayContaining(['tiny tokenizer-path', 'gateway/proxy gateway-listening', 'sidecar first-replay']),
    );
    expect(document.checks.find(({ name }) => name === 'tokenizer-agrees')?.detail).toBe('20 of 20 probes equal');

    const byAdmin = documentOf(await runCommandLine('doctor', '--admin', app.admin, '--probe', '--json'));
    expect(byAdmin).toMatchObject({ ok: true, counts: { failed: 0 } });
    expect(named(byAdmin, 'passed')).toEqual(
      expect.arrayContaining(['tiny/e0 events-flowing', 'tiny/e1 cached-tokens', 'tiny tokenizer-path']),
    );
  });

  it('proves what it can from a configuration alone, one line a check', async () => {
    await using folder = await temporaryFolder({});
    await using engine = await runEngine();
    const path = await configFile(folder.path, await configFor([engine]));
    const { exitCode, output } = await runCommandLine('doctor', '--config', path);
    expect(exitCode).toBe(0);
    const lines = output.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'ok    tiny  tokenizer-path: exact',
        'ok    tiny/e0  model-name: tiny',
        'skip  tiny/e0  events-flowing: run with --probe to send one tiny prompt twice',
        'skip  gateway/proxy  gateway-listening: no sidecar is running',
      ]),
    );
    expect(lines.at(-1)).toMatch(/^\d+ passed, 0 failed, 0 warnings, \d+ skipped$/);
  });

  it('names the mend for each hop that fails', async () => {
    await using folder = await temporaryFolder({});
    await using engine = await runEngine();
    await engine.engine.setFaults({ replay: 'absent' });
    const gone = await freePort();
    const path = await configFile(
      folder.path,
      await configFor([engine], {
        models: ['other'],
        tokenizer: folder.path,
        discovery: {
          static: [
            {
              name: 'wrong',
              address: engine.at.address,
              events: `tcp://127.0.0.1:${gone}`,
              replay: engine.at.replayAddress,
            },
            { name: 'gone', address: `127.0.0.1:${gone}` },
          ],
        },
      }),
    );
    const { exitCode, output } = await runCommandLine('doctor', '--config', path, '--json');
    const document: Document = JSON.parse(output);
    expect(exitCode).toBe(1);
    expect(document.ok).toBe(false);
    expect(named(document, 'failed')).toEqual([
      'tiny tokenizer-path',
      'tiny/wrong model-name',
      'tiny/wrong events-unreachable',
      'tiny/wrong replay-unreachable',
      'tiny/gone engine-reachable',
    ]);
    const failed = document.checks.filter(({ status }) => status === 'failed');
    expect(failed.map(({ mend }) => mend)).toEqual([
      expect.stringContaining('warmroute.dev/tokenizer'),
      expect.stringContaining('--served-model-name'),
      expect.stringContaining('--kv-events-config'),
      expect.stringContaining('replay_endpoint'),
      expect.stringContaining('address'),
    ]);
  }, 60_000);

  it('finds an engine that publishes nothing', async () => {
    await using folder = await temporaryFolder({});
    await using engine = await runEngine();
    await engine.engine.setFaults({ drop: 1 });
    const path = await configFile(folder.path, await configFor([engine]));
    const document = documentOf(await runCommandLine('doctor', '--config', path, '--probe', '--json'));
    expect(named(document, 'failed')).toEqual(['tiny/e0 events-flowing']);
  });

  it('finds caching switched off, a clock that is wrong, and a tokenizer that differs', async () => {
    await using folder = await temporaryFolder({});
    const page = [
      'vllm:num_requests_running{engine="0"} 0',
      'vllm:cache_config_info{block_size="16",enable_prefix_caching="False",engine="0"} 1',
    ].join('\n');
    const answers: Readonly<Record<string, string>> = {
      '/health': '',
      '/version': '{"version":"0.8.5"}',
      '/v1/models': '{"data":[{"id":"tiny"}]}',
      '/metrics': `${page}\n`,
      '/tokenize': '{"tokens":[1,2,3]}',
    };
    const server = await startServer((request, response) => {
      request.resume();
      const text = answers[request.url ?? ''];
      response.writeHead(text === undefined ? 404 : 200, { date: new Date(Date.now() - 60_000).toUTCString() });
      response.end(text);
    });
    try {
      const config = await configFor([], {
        discovery: { static: [{ name: 'e', address: server.address, events: null }] },
      });
      const outcome = await runCommandLine('doctor', '--config', await configFile(folder.path, config), '--json');
      const document = documentOf(outcome);
      expect(named(document, 'failed')).toEqual([
        'tiny/e engine-version',
        'tiny/e clock',
        'tiny/e prefix-caching',
        'tiny/e tokenizer-agrees',
      ]);
    } finally {
      server.close();
    }
  });

  it.each([
    ['nothing to look at', [], 64],
    ['a file that is not there', ['--config', '/nowhere/config.yaml'], 64],
    ['an admin address that is none', ['--admin', 'nonsense'], 64],
    ['an admin address where nobody answers', ['--admin', 'http://127.0.0.1:9'], 69],
  ] as const)("ends with the contract's exit code for %s", async (_, flags, exitCode) => {
    const outcome = await runCommandLine('doctor', ...flags);
    expect(outcome).toMatchObject({ exitCode, output: '' });
  });
});
