/** Reading one engine's metrics page, as recorded from vLLM; a line-by-line parser with regular expressions is the baseline. */

import { readFileSync } from 'node:fs';
import { loadOf } from '../../../sidecar/pool/endpoint-load.ts';
import { readEngineReport } from '../../../sidecar/pool/engine-figures.ts';
import type { Benchmark } from '../harness.ts';

const recorded = (version: string): string =>
  readFileSync(new URL(`../../fixtures/vllm/${version}/metrics.txt`, import.meta.url), 'utf8');

/** Every sample of a page as an object: what a general parser makes of it. */
const readEverything = (text: string): readonly { name: string; labels: Map<string, string>; value: number }[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labelText = '', value = ''] = /^([^{\s]+)(?:\{(.*)\})?\s+(\S+)/.exec(line) ?? [];
      const labels = new Map<string, string>();
      for (const [, label = '', content = ''] of labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
        labels.set(label, content);
      }
      return { name, labels, value: Number(value) };
    });

const times = { sentAtMs: 0, readAtMs: 0 };

const compare = (version: string): Benchmark => ({
  name: `metrics page of vLLM ${version}`,
  unit: 'page',
  unitsPerCall: 1,
  setup: () => {
    const text = recorded(version);
    return {
      baseline: 'every sample',
      bodies: [
        { name: 'every sample', run: () => readEverything(text) },
        {
          name: 'wanted samples to load',
          run: () => loadOf({ rank: 0, hasRanks: false }, readEngineReport(text, 'vllm'), times),
          figures: () => ({ 'KiB a page': text.length / 1024 }),
        },
      ],
    };
  },
});

/** One rank, and two ranks behind one page. */
export const benchmarks: readonly Benchmark[] = [compare('v0.32.0-map'), compare('v0.32.0-map-dp2')];
