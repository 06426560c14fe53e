import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { faultsOfPage, renderPage } from '../../reliability/page.ts';
import type { FaultFigures } from '../../support/faults/measure-scenario.ts';
import { faultScenarios } from '../../support/faults/scenarios.ts';
import { violationsOf } from '../../support/faults/violations.ts';

const [plain, broken] = [faultScenarios[1], faultScenarios.find(({ settles }) => settles === 'degraded')];
if (plain === undefined || broken === undefined) throw new Error('the table lacks a kind of scenario');

const figures = (changes: Partial<FaultFigures> = {}): FaultFigures => ({
  scenario: plain,
  between: { predictions: 20, wrong: 3 },
  outside: { predictions: 1500, wrong: 0 },
  outsideWrong: [],
  failedTurns: 0,
  repairs: 4,
  noticeMs: { median: 0.4, max: 21.3 },
  repairMs: { median: 31.7, max: 1840 },
  falseClaims: 0,
  settled: { trust: 'exact', differences: 0, predictions: 100, wrong: 0 },
  ...changes,
});

describe('the table of faults', () => {
  it('has a row in docs/RELIABILITY.md for every scenario and no other', async () => {
    const page = await readFile(new URL('../../../docs/RELIABILITY.md', import.meta.url), 'utf8');
    expect(faultsOfPage(page)).toEqual(faultScenarios.map(({ fault }) => fault));
  });

  it('names each scenario once', () => {
    expect(new Set(faultScenarios.map(({ id }) => id)).size).toBe(faultScenarios.length);
  });

  it('shows what was measured, with units that people read', () => {
    const page = renderPage([figures()], { machine: '2 × CPU', date: '2026-01-02', command: 'npm run reliability' });
    expect(page).toContain(
      `| ${plain.fault} | < 1 ms (at most 21 ms) | 32 ms (at most 1.8 s) | 3 of 20 | exact; index equals engines; 0 of 100 wrong |`,
    );
    expect(page).toContain('2026-01-02, 2 × CPU');
  });

  it('says where nothing was repaired', () => {
    const settled = { trust: 'degraded', differences: 5, predictions: 100, wrong: 2 } as const;
    const page = renderPage([figures({ scenario: broken, repairMs: null, settled })], {
      machine: '',
      date: '',
      command: '',
    });
    expect(page).toContain('| never | 3 of 20 | degraded, and says so; 5 blocks differ; 2 of 100 wrong |');
  });
});

describe('what a run must keep', () => {
  it('is kept by a true index, and by one that is not where trust says so', () => {
    expect(violationsOf(figures())).toEqual([]);
    const settled = { trust: 'degraded', differences: 5, predictions: 100, wrong: 2 } as const;
    expect(violationsOf(figures({ scenario: broken, settled }))).toEqual([]);
  });

  it.each<[string, Partial<FaultFigures>]>([
    ['the fault was not noticed', { noticeMs: null }],
    ['2 wrong predictions without a fault: a; b', { outside: { predictions: 9, wrong: 2 }, outsideWrong: ['a', 'b'] }],
    ['an index was called exact that was not, 1 times', { falseClaims: 1 }],
    ['1 turns failed', { failedTurns: 1 }],
    [
      'trust settles at degraded, not exact',
      { settled: { trust: 'degraded', differences: 0, predictions: 1, wrong: 0 } },
    ],
    ['7 blocks differ in the end', { settled: { trust: 'exact', differences: 7, predictions: 1, wrong: 0 } }],
    ['1 wrong predictions after the repair', { settled: { trust: 'exact', differences: 0, predictions: 1, wrong: 1 } }],
  ])('is broken where %s', (violation, changes) => {
    expect(violationsOf(figures(changes))).toEqual([violation]);
  });
});
