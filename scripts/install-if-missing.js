// Runs before `npm start` and `npm test`: installs dependencies in a bare clone. Node built-ins only; works on Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (!existsSync('node_modules/.package-lock.json')) {
  console.error('installing dependencies (npm ci), about a minute …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  process.exit(status ?? 1);
}
