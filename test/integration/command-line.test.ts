import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { postJson, readJson } from '../support/http.ts';
import { startWarmroute } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Runs a command to its end. */
const run = async (...args: readonly string[]) => {
  const process = startWarmroute(args);
  let output = '';
  process.child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await process.exited;
  return { code, output, error: process.errorOutput() };
};

describe('the command line', () => {
  it.each([
    ['no command', [], 64, /usage: warmroute COMMAND/],
    ['an unknown command', ['sevre'], 64, /there is no command "sevre"/],
    ['an unknown flag', ['serve', '--confg', 'x'], 64, /Unknown option '--confg'/],
    ['serve without a configuration', ['serve'], 64, /give --config FILE/],
    ['a number out of range', ['engine', '--port', '70000'], 64, /--port must be a whole number from 0 to 65535/],
    ['an admin address where nobody listens', ['explain', '--admin', 'http://127.0.0.1:1', 'x'], 69, /does not answer/],
  ])('ends with the promised code on %s', async (_, args, code, message) => {
    const { code: ended, output, error } = await run(...args);
    expect(ended).toBe(code);
    expect(output + error).toMatch(message);
  });

  it('describes every command', async () => {
    const { code, output } = await run('--help');
    expect(code).toBe(0);
    for (const name of ['serve', 'demo', 'engine', 'explain']) expect(output).toContain(`  ${name}`);
    expect((await run('serve', '--help')).output).toContain('--config FILE');
  });

  it('lists every mistake of a configuration and starts nothing', async () => {
    await using folder = await temporaryFolder({});
    const file = join(folder.path, 'bad.yaml');
    writeFileSync(file, 'pools: [{ name: "a b", discovery: 5 }]\nadmin: { listen: nowhere }\nportal: 1\n');
    const { code, output, error } = await run('serve', '--config', file);
    expect(code).toBe(64);
    expect(output).toBe('');
    for (const path of ['pools[0].name', 'pools[0].discovery', 'admin.listen', 'unknown "portal"']) {
      expect(error).toContain(path);
    }
  });

  it('says which listener found its port taken', async () => {
    await using folder = await temporaryFolder({});
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const file = join(folder.path, 'taken.json');
    writeFileSync(file, JSON.stringify({ admin: { listen: `127.0.0.1:${port}` } }));
    const { code, error } = await run('serve', '--config', file);
    taken.close();
    expect(code).toBe(69);
    expect(error).toContain('admin cannot listen on');
  });

  it('serves in front of an engine of its own, explains, and ends with 0 on SIGTERM', async () => {
    await using folder = await temporaryFolder({});
    await using engine = startWarmroute(['engine', '--port', '0']);
    const at: { address: string; events: string; replay: string } = JSON.parse(await engine.firstLine);
    const file = join(folder.path, 'config.yaml');
    const pool = { name: 'p', discovery: { static: [{ name: 'e', ...at, ready: undefined }] } };
    writeFileSync(
      file,
      JSON.stringify({
        pools: [pool],
        gateways: { proxy: { listen: '127.0.0.1:0' }, consult: { listen: '127.0.0.1:0' } },
        admin: { listen: '127.0.0.1:0' },
      }),
    );
    const check = ['serve', '--config', file, '--check'];
    expect((await run(...check, '--peer', 'http://a:9090')).output).toContain('the configuration is valid');
    expect((await run(...check, '--peer', 'a', '--peer', 'b')).error).toContain('warmStart.peers');
    await using sidecar = startWarmroute(['serve', '--config', file]);
    const line: { listening: Record<string, string> } = JSON.parse(await sidecar.firstLine);
    expect(Object.keys(line.listening).sort()).toEqual(['admin', 'consult', 'proxy']);
    const body = { model: 'tiny-qwen', prompt: Array.from({ length: 50 }, (_, index) => 300 + index), max_tokens: 2 };
    const answer = await postJson(`http://${line.listening['proxy']}/v1/completions`, body);
    expect(answer.status).toBe(200);
    await readJson(answer);
    const id = answer.headers.get('x-warmroute-decision') ?? '';
    const explained = await run('explain', '--admin', `http://${line.listening['admin']}`, id);
    expect(explained.code).toBe(0);
    expect(explained.output).toContain(`went to ${at.address}`);
    const asJson = await run('explain', '--admin', `http://${line.listening['admin']}`, id, '--json');
    expect(JSON.parse(asJson.output)).toMatchObject({ id, endpoint: at.address });
    const bodyFile = join(folder.path, 'body.json');
    writeFileSync(bodyFile, JSON.stringify(body));
    const dry = await run(
      ...['explain', '--admin', `http://${line.listening['admin']}`, '--body', bodyFile, '--path', '/v1/completions'],
    );
    expect(dry.output).toContain('prompt tokens 50');
    expect(await sidecar.stop('SIGTERM')).toBe(0);
    for (const log of sidecar.errorOutput().trim().split('\n')) expect(JSON.parse(log)).toHaveProperty('message');
  }, 60_000);
});
