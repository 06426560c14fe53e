import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startProcess } from '../../support/process.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const hadolint = `${process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real'}/hadolint-2.15.1/bin/hadolint`;

describe('the image', () => {
  it('has a Dockerfile that hadolint finds nothing in', async () => {
    const { stdout } = await run(hadolint, ['Dockerfile'], { cwd: root });
    expect(stdout).toBe('');
  });
});

describe('the build, as the image holds it', () => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'warmroute-image-'));
    await run(
      process.execPath,
      ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')],
      {
        cwd: root,
      },
    );
    await run(process.execPath, ['scripts/copy-assets.js', join(folder, 'dist')], { cwd: root });
    symlinkSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('runs without the sources: lists its commands, starts an engine, serves in front of it', async () => {
    const main = join(folder, 'dist', 'main.js');
    const { stdout } = await run(process.execPath, [main, '--help']);
    expect(stdout).toContain('serve');
    await using engine = startProcess(process.execPath, [main, 'engine', '--port', '0']);
    const at: { address: string; events: string } = JSON.parse(await engine.firstLine);
    const env = { ...process.env, WARMROUTE_ADMIN_LISTEN: '127.0.0.1:0', WARMROUTE_EXTPROC_LISTEN: '127.0.0.1:0' };
    const config = join(root, 'test/fixtures/config/minimal.yaml');
    await using sidecar = startProcess(process.execPath, [main, 'serve', '--config', config], { env });
    const line: { listening: Record<string, string> } = JSON.parse(await sidecar.firstLine);
    expect(Object.keys(line.listening).sort()).toEqual(['admin', 'extproc']);
    expect(at.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await sidecar.stop('SIGTERM')).toBe(0);
  }, 120_000);
});
