import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it } from '@jest/globals';
import { runCommandLine } from '../../support/command-line.ts';

const candidate = { endpoint: '10.0.0.7:8000', cachedTokens: 0, total: 0.5, removedBy: null, scores: {} };

const decision = {
  id: 'd-1',
  at: '2026-01-01T00:00:00.000Z',
  pool: 'qwen',
  model: 'm',
  api: 'chat',
  promptTokens: 40,
  endpoint: '10.0.0.7:8000',
  rank: 1,
  reason: 'prefix',
  predictedCachedTokens: 32,
  actualCachedTokens: 32,
  candidates: [
    { ...candidate, rank: 0 },
    { ...candidate, rank: 1, cachedTokens: 32 },
    { ...candidate, rank: 0, endpoint: '10.0.0.8:8000' },
  ],
};

it('names the rank that was picked of those behind one address, and points at it alone', async () => {
  const server = createServer((_, response) => response.end(JSON.stringify(decision))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { output } = await runCommandLine('explain', '--admin', `http://127.0.0.1:${port}`, 'd-1');
  server.close();
  const lines = output.split('\n');
  expect(lines).toContain('went to 10.0.0.7:8000 rank 1 because: prefix');
  expect(lines.filter((line) => line.startsWith('  → '))).toEqual([
    expect.stringMatching(/^ {2}→ 10\.0\.0\.7:8000 rank 1 {2}cached 32/),
  ]);
  expect(lines.at(-1)).toMatch(/^ {4}10\.0\.0\.8:8000 {2}cached 0/);
});
