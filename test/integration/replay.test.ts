import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { runCommandLine } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Replayed {
  readonly policies: readonly {
    readonly policy: string;
    readonly requests: number;
    readonly skipped: number;
    readonly hitRatio: number;
    readonly ttftMeanMs: number;
    readonly ttftP99Ms: number;
    readonly imbalance: number;
    readonly predictions: { readonly total: number; readonly exact: number };
  }[];
}

/** Chats of five turns that share system prompts; made by make-trace.ts beside it. */
const chats = fileURLToPath(new URL('../fixtures/replay/chats.jsonl', import.meta.url));
/** Engines whose caches hold all chats together, but not each. */
const fleet = ['--endpoints', '4', '--cache-tokens', '60000'];

const replay = async (...args: readonly string[]): Promise<Replayed['policies']> => {
  const { exitCode, output } = await runCommandLine('replay', chats, ...fleet, '--json', ...args);
  expect(exitCode).toBe(0);
  const { policies }: Replayed = JSON.parse(output);
  return policies;
};

describe('replay', () => {
  it('compares four policies, and the precise one computes least and answers first', async () => {
    const policies = await replay();
    expect(policies.map(({ policy, requests, skipped }) => [policy, requests, skipped])).toEqual([
      ['round-robin', 150, 0],
      ['least-load', 150, 0],
      ['approximate', 150, 0],
      ['precise', 150, 0],
    ]);
    const precise = policies.at(-1);
    for (const other of policies.slice(0, 2)) {
      expect(precise?.hitRatio).toBeGreaterThan(1.5 * other.hitRatio);
      expect(precise?.ttftMeanMs).toBeLessThan(other.ttftMeanMs);
    }
    expect(precise?.predictions.exact).toBeGreaterThanOrEqual(0.98 * (precise?.predictions.total ?? Number.NaN));
    for (const { imbalance } of policies) expect(imbalance).toBeGreaterThanOrEqual(1);
  });

  it('gives the same figures for the same seed', async () => {
    const args = ['--policy', 'random', '--policy', 'precise-prefix-cache-scorer:3,queue-scorer:2', '--seed', '7'];
    const first = await replay(...args);
    expect(first).toEqual(await replay(...args));
    expect(first.map(({ policy }) => policy)).toEqual(['random', 'precise-prefix-cache-scorer:3,queue-scorer:2']);
  });

  it('takes longer where arrivals come faster', async () => {
    const [slow] = await replay('--policy', 'round-robin');
    const [fast] = await replay('--policy', 'round-robin', '--speed', '8');
    expect(fast?.ttftMeanMs).toBeGreaterThan(2 * (slow?.ttftMeanMs ?? Number.NaN));
  });

  it('leaves out what no cache holds, and says so', async () => {
    const { exitCode, output } = await runCommandLine('replay', chats, '--cache-tokens', '8192', '--policy', 'precise');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/\d+ requests are longer than an engine's cache and were left out$/);
  });

  it('prints a table, one line a policy', async () => {
    const { output } = await runCommandLine('replay', chats, ...fleet, '--requests', '20', '--policy', 'precise');
    const [head, row, ...rest] = output.split('\n');
    expect(head).toMatch(/^policy +requests +hit ratio +TTFT mean +TTFT p50 +TTFT p99 +imbalance +predictions right$/);
    expect(row).toMatch(/^precise +20 +[\d.]+ % +[\d.]+ s +[\d.]+ s +[\d.]+ s +[\d.]+ +[\d.]+ %$/);
    expect(rest).toEqual([]);
  });

  it('names the lines of a trace that are malformed', async () => {
    await using folder = await temporaryFolder({});
    const path = `${folder.path}/trace.jsonl`;
    await writeFile(path, '{"timestamp":0,"input_length":5,"output_length":1,"hash_ids":[1]}\nnonsense\n{}\n');
    const { exitCode, errorOutput } = await runCommandLine('replay', path);
    expect(exitCode).toBe(64);
    expect(errorOutput).toContain('line 2: must be a JSON object');
    expect(errorOutput).toContain('line 3: timestamp must be');
  });

  it.each([
    ['no trace', [], 'give one TRACE'],
    ['two traces', [chats, chats], 'give one TRACE'],
    ['a missing file', [`${chats}.gone`], 'cannot be read: ENOENT'],
    ['an unknown policy', [chats, '--policy', 'fastest'], 'there is no policy "fastest"'],
    ['a speed of nothing', [chats, '--speed', '0'], '--speed must be a number'],
    ['too many endpoints', [chats, '--endpoints', '1000'], '--endpoints must be a whole number from 1 to 256'],
  ])('ends with 64 on %s', async (_, args, message) => {
    const { exitCode, errorOutput } = await runCommandLine('replay', ...args);
    expect(exitCode).toBe(64);
    expect(errorOutput).toContain(message);
  });
});
