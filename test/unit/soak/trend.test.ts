import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../sidecar/core/index.ts';
import { growthOf } from '../../soak/trend.ts';

const points = (count: number, valueAt: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => ({ atMs: 1000 * i, value: valueAt(i) }));

describe('growth', () => {
  it('is what a steady leak adds from the first third on', () => {
    expect(growthOf(points(30, (i) => 100 + 2 * i))).toBeCloseTo(2 * 19);
  });

  it('is nothing where caches fill at first and stay full', () => {
    expect(growthOf(points(30, (i) => Math.min(100, 12 * i)))).toBe(0);
  });

  it('is not moved by a few outliers', () => {
    expect(growthOf(points(30, (i) => (i === 12 || i === 29 ? 500 : 100)))).toBe(0);
  });

  it('is small where values only wander', () => {
    const random = seededRandom(3);
    expect(Math.abs(growthOf(points(40, () => 100 + 10 * random())))).toBeLessThan(5);
  });

  it('is nothing where there is too little to judge', () => {
    expect(growthOf([])).toBe(0);
    expect(growthOf(points(3, (i) => i))).toBe(0);
  });
});
