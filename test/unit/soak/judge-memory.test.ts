import { describe, expect, it } from '@jest/globals';
import { judgeMemory, sampleEveryMs } from '../../soak/soak.ts';

const mebibyte = 2 ** 20;
const samples = (leakBytes: number) =>
  Array.from({ length: 31 }, (_, i) => ({
    atMs: 30_000 * i,
    usedBytes: 80 * mebibyte + leakBytes * i,
    residentBytes: 200 * mebibyte,
  }));
const allowance = { usedBytes: 8 * mebibyte, residentBytes: 48 * mebibyte };

describe('memory', () => {
  it('that stays flat is well, and is told', () => {
    const lines: string[] = [];
    expect(judgeMemory(samples(0), allowance, (line) => lines.push(line))).toEqual([]);
    expect(lines).toHaveLength(2);
  });

  it('that leaks half a megabyte a sample is not', () => {
    expect(judgeMemory(samples(mebibyte / 2), allowance, () => {})).toEqual([
      'memory in use after a collection: 95 MB, grows by 10.0 MB over the last two thirds (allowed 8 MB)',
    ]);
  });

  it('is looked at each 30 s, in short soaks twenty times', () => {
    expect([10, 60, 1].map(sampleEveryMs)).toEqual([30_000, 30_000, 3_000]);
  });
});
