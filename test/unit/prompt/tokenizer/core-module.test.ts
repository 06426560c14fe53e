import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

it('the committed WebAssembly is what its source compiles to', () => {
  const check = spawnSync(process.execPath, ['scripts/build-wasm.js', '--check'], {
    cwd: fileURLToPath(new URL('../../../../', import.meta.url)),
    encoding: 'utf8',
  });

  expect(check).toMatchObject({ status: 0, stdout: expect.stringContaining('core-module.ts is current\n') });
});
