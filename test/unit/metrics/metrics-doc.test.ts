import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

it('docs/METRICS.md is what the catalogue says', async () => {
  const check = promisify(execFile)(process.execPath, ['scripts/generate-metrics-doc.js', '--check']);
  await expect(check).resolves.toMatchObject({ stderr: '' });
});
