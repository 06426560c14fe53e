import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { runCommandLine } from '../../support/command-line.ts';

interface Replayed {
  readonly policies: readonly {
    readonly policy: string;
    readonly requests: number;
    readonly hitRatio: number;
    readonly ttftMeanMs: number;
    readonly predictions: { readonly total: number; readonly exact: number };
  }[];
}

/** Mooncake's conversation trace (github.com/kvcache-ai/Mooncake, FAST25-release/traces), which is not part of this project. */
const trace = process.env['WARMROUTE_TRACE'] ?? '';
const isAtHand = existsSync(trace);
if (!isAtHand) console.log('SKIPPED replay: WARMROUTE_TRACE names no public trace');

(isAtHand ? describe : describe.skip)('a public trace', () => {
  it('is answered soonest by the precise policy, whose predictions hold', async () => {
    const { exitCode, output } = await runCommandLine(
      'replay',
      trace,
      '--requests',
      '1500',
      '--policy',
      'least-load',
      '--policy',
      'precise',
      '--json',
    );
    expect(exitCode).toBe(0);
    const { policies }: Replayed = JSON.parse(output);
    const precise = policies.find(({ policy }) => policy === 'precise');
    for (const { policy, ttftMeanMs } of policies) {
      if (policy !== 'precise') expect(ttftMeanMs).toBeGreaterThan(precise?.ttftMeanMs ?? Number.POSITIVE_INFINITY);
    }
    expect(precise?.predictions.exact).toBeGreaterThanOrEqual(0.98 * (precise?.predictions.total ?? Number.NaN));
  }, 120_000);
});
